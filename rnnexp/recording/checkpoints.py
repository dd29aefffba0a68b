"""Whether tensors are the same, bit for bit."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnexp import __version__, storage
from rnnexp.errors import CheckpointError, Problem, StorageError, UnsafeError
from rnnexp.reading import is_pickle, read_bytes

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = [
    "SEAL",
    "STATE",
    "TENSORS",
    "Checkpoint",
    "different_tensors",
    "load",
    "prune",
    "recover",
    "save",
    "steps",
]


# Checkpoints: a folder each, whole or not there, every byte under a hash, no pickle.
#
# checkpoints/<step>/tensors.safetensors   weights, optimizer, RNGs, hidden state
# state.json            numbers and words: schedule, cursor, monitor
# manifest.json         SHA-256 and size of both, and of itself
#
# A folder is written under a hidden name, synced, and renamed. Reading checks the hashes of the
# very bytes that it then decodes.

FORMAT = 1
TENSORS, STATE, MANIFEST = "tensors.safetensors", "state.json", "manifest.json"
SMALL = 64 * 2**20  # no state.json or manifest.json is this large
ASIDE = ".replaced-"  # a checkpoint that another of the same step is about to replace
LITTER = re.compile(r"\.[0-9]+-[0-9a-f]{8}\.tmp")  # one that was being written or removed
SEAL = "manifest_sha256"


@dataclass(frozen=True)
class Checkpoint:
    """Everything from which training goes on as if it had never stopped.

    tensors: any dtype that safetensors knows, on any device (saved from and loaded to the CPU).
    state: JSON values with text keys; numbers that are not finite come back as they were, tuples
        as lists. `monitor` is the value of the monitored metric.
    path: the folder that it was loaded from.
    """

    step: int
    tensors: dict[str, torch.Tensor]
    state: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None


def save(folder: Path, checkpoint: Checkpoint) -> Path:
    """Writes `folder/<step>/`; when this returns, it is on disk.

    A checkpoint of the same step is replaced. Raises StorageError; then what was there still is.
    """
    recover(folder)
    target = folder / str(checkpoint.step)
    hidden = folder / f".{checkpoint.step}-{secrets.token_hex(4)}.tmp"
    storage.create_folder(hidden)
    try:
        _write(hidden, checkpoint)
        _put_in_place(hidden, target)
    except (StorageError, OSError):
        if hidden.is_dir():
            _remove_quietly(hidden)
        with suppress(StorageError):
            recover(folder)
        raise
    return target


def _write(folder: Path, checkpoint: Checkpoint) -> None:
    files = {TENSORS: _tensor_bytes(checkpoint.tensors), STATE: _state_bytes(checkpoint)}
    manifest = {MANIFEST: _manifest_bytes(checkpoint.step, files)}
    storage.write_files(folder, files | manifest)


def _put_in_place(hidden: Path, target: Path) -> None:
    if not target.exists():
        storage.move_folder(hidden, target)
        return
    aside = target.with_name(f"{ASIDE}{target.name}")
    storage.move_folder(target, aside)
    storage.move_folder(hidden, target)
    storage.remove_tree(aside)


def recover(folder: Path) -> None:
    """Ends a replacement that a crash cut short: the new one if it is there, else the old.

    `save` does this first; so must whoever goes on with a run. A mere reader must not, as the run
    may be alive. Raises StorageError.
    """
    for aside in folder.glob(f"{ASIDE}*"):
        target = folder / aside.name.removeprefix(ASIDE)
        if not (target.name.isdecimal() and aside.is_dir()):
            continue
        if target.exists():
            _remove_quietly(aside)
        else:
            storage.move_folder(aside, target)


def _remove_quietly(folder: Path) -> None:
    with suppress(StorageError):  # litter under a hidden name, which `prune` removes
        storage.remove_tree(folder)


def steps(folder: Path) -> list[int]:
    """The steps that have a checkpoint, in order."""
    if not folder.is_dir():
        return []
    names = (entry.name for entry in folder.iterdir())
    return sorted(int(name) for name in names if name.isdecimal() and str(int(name)) == name)


def prune(folder: Path, keep: set[int]) -> None:
    """Removes all checkpoints but those of the steps in `keep`, and what crashes left behind.

    Raises StorageError.
    """
    recover(folder)
    for step in steps(folder):
        if step not in keep and (folder / str(step)).is_dir():
            # Under a hidden name first: a half-removed folder must not look like a checkpoint.
            hidden = folder / f".{step}-{secrets.token_hex(4)}.tmp"
            storage.move_folder(folder / str(step), hidden)
    for litter in folder.glob(".*.tmp"):
        if LITTER.fullmatch(litter.name) and litter.is_dir():
            storage.remove_tree(litter)


def load(path: Path) -> Checkpoint:
    """The checkpoint in the folder `path`, on the CPU, after every hash was checked.

    Raises CheckpointError (missing, damaged, of a newer rnnexp), UnsafeError (a pickle, a link).
    """
    if path.is_symlink():
        raise UnsafeError(f"{path} is a symbolic link")
    if path.is_file():
        _refuse_pickle(path, read_bytes(path))
    if not path.is_dir():
        raise CheckpointError(f"no checkpoint at {path}")
    files = {name: _read(path / name) for name in (MANIFEST, TENSORS, STATE)}
    manifest = _checked_manifest(path / MANIFEST, files[MANIFEST])
    for name in (TENSORS, STATE):
        _check_file(path / name, files[name], manifest["files"][name])
    return Checkpoint(
        step=manifest["step"],
        tensors=_tensors(path / TENSORS, files[TENSORS]),
        state=_state(path / STATE, files[STATE]),
        path=path,
    )


def _read(path: Path) -> bytes:
    try:
        data = read_bytes(path, None if path.name == TENSORS else SMALL)
    except OSError as error:
        raise _damaged(path, f"cannot be read: {error.strerror}") from error
    _refuse_pickle(path, data)
    return data


def _damaged(path: Path, what: str, **fields: Any) -> CheckpointError:
    hint = "an earlier step of the same run may be whole; rnnexp runs show lists them"
    problem = Problem(code="CKP010", message=f"{path} {what}", hint=hint, **fields)
    return CheckpointError(problem)


# -- pickle ----------------------------------------------------------------------------------------


def _refuse_pickle(path: Path, data: bytes) -> None:
    archive = data[:4] == b"PK\x03\x04"  # what torch.save writes
    if archive or is_pickle(data):
        raise UnsafeError(
            f"{path} is a pickle (or a torch archive of one), which can run code when read",
            hint="only safetensors are read; convert the weights where they come from",
        )


# -- manifest --------------------------------------------------------------------------------------


def _manifest_bytes(step: int, files: Mapping[str, bytes]) -> bytes:
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "rnnexp": __version__,
        "step": step,
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in files.items()
        },
    }
    return _sealed(manifest)


def _sealed(manifest: dict[str, Any]) -> bytes:
    """The manifest as bytes that carry their own hash, so that no flipped bit passes."""
    text = json.dumps(manifest, indent=2)
    seal = hashlib.sha256(text.encode()).hexdigest()
    return (json.dumps(manifest | {SEAL: seal}, indent=2) + "\n").encode()


def _checked_manifest(path: Path, data: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "is not JSON") from error
    if not isinstance(manifest, dict):
        raise _damaged(path, "is not a manifest")
    if isinstance(manifest.get("format"), int) and manifest["format"] > FORMAT:
        newer = manifest.get("rnnexp")
        raise CheckpointError(
            f"{path} was written by rnnexp {newer} in format {manifest['format']};"
            f" this is rnnexp {__version__}, which reads up to format {FORMAT}",
            hint="install the newer rnnexp",
        )
    manifest.pop(SEAL, None)
    if _sealed(manifest) != data:
        raise _damaged(path, "does not match its own hash")
    files, step = manifest.get("files"), manifest.get("step")
    entries = [files.get(name) for name in (TENSORS, STATE)] if isinstance(files, dict) else [None]
    if not all(isinstance(entry, dict) for entry in entries):
        raise _damaged(path, f"does not list {TENSORS} and {STATE}")
    if type(step) is not int or step < 0:
        raise _damaged(path, "does not say which step it is of", value=step)
    return manifest


def _check_file(path: Path, data: bytes, expected: Mapping[str, Any]) -> None:
    if len(data) != expected.get("bytes"):
        raise _damaged(path, f"has {len(data):,} bytes, expected {expected.get('bytes')}")
    actual = hashlib.sha256(data).hexdigest()
    if actual != expected.get("sha256"):
        raise _damaged(
            path,
            "does not have the SHA-256 of its manifest",
            value=actual,
            allowed=f"{expected.get('sha256')}",
        )


# -- tensors ---------------------------------------------------------------------------------------


def _tensor_bytes(tensors: Mapping[str, torch.Tensor]) -> bytes:
    import safetensors.torch

    plain: dict[str, torch.Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        own = tensor.detach().cpu().contiguous()
        # Two names for one storage (tied weights) are refused by safetensors; each gets its own.
        own = own.clone() if own.untyped_storage().data_ptr() in seen else own
        seen.add(own.untyped_storage().data_ptr())
        plain[name] = own
    return safetensors.torch.save(plain)


def _tensors(path: Path, data: bytes) -> dict[str, torch.Tensor]:
    import safetensors
    import safetensors.torch

    try:
        return safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise _damaged(path, f"has a damaged header: {error}") from error


# -- state -----------------------------------------------------------------------------------------


def _state_bytes(checkpoint: Checkpoint) -> bytes:
    state = {"step": checkpoint.step, "state": _encode(checkpoint.state)}
    return (json.dumps(state, indent=1, allow_nan=False) + "\n").encode()


def _state(path: Path, data: bytes) -> dict[str, Any]:
    try:
        return dict(_decode(json.loads(data)["state"]))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(path, "is not the state of a checkpoint") from error


def _encode(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become {"$float": "nan"}."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if isinstance(value, Mapping):
        return {key: _encode(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(part) for part in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _decode(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"$float"}:
            return float(value["$float"])
        return {key: _decode(part) for key, part in value.items()}
    return [_decode(part) for part in value] if isinstance(value, list) else value


# Whether tensors are the same, bit for bit.


def different_tensors(these: Mapping[str, Tensor], those: Mapping[str, Tensor]) -> list[str]:
    """The names of the tensors that are not in both, or not the same in both."""
    names = sorted(these.keys() | those.keys())
    return [
        name
        for name in names
        if name not in these or name not in those or not _same(these[name], those[name])
    ]


def _same(this: Tensor, that: Tensor) -> bool:
    """Also of zeros by their sign, and of NaN by its bits, which `torch.equal` does not tell."""
    import torch

    if this.dtype != that.dtype or this.shape != that.shape:
        return False
    ours, theirs = (each.contiguous().reshape(-1).view(torch.uint8) for each in (this, that))
    return torch.equal(ours, theirs)
