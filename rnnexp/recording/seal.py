"""The hashes of a finished run's files, so that anyone can tell that they are what it wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnexp import storage
from rnnexp.errors import CheckpointError, UnsafeError
from rnnexp.reading import sha256
from rnnexp.recording.text_files import read_json

__all__ = ["SEAL", "break_seal", "broken_files", "seal"]

SEAL = "files.json"
LIVING = {
    SEAL, "status.json", "train.log", "compare_manual.json", "diagnosis.json", "report.html",
}  # fmt: skip
"""what is written later too: by `resume`, `compare-manual`, `diagnose`, `runs report`"""


def seal(run: Path) -> None:
    """Write `files.json`: size and SHA-256 of what a run says of itself. Checkpoints carry their
    own, and pictures can be drawn again. Raises StorageError.
    """
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(_sealed(run))
    }
    storage.write_json(run / SEAL, {"files": files})


def break_seal(run: Path) -> None:
    """Remove it: the run goes on. Raises StorageError."""
    if (run / SEAL).exists():
        storage.remove_file(run / SEAL)


def broken_files(run: Path) -> Iterator[str]:
    """What is not as it was sealed, a sentence each; a run that has not finished has no seal.

    Raises CheckpointError (files.json is not a list of hashes), UnsafeError (a name in it leads out
    of the run).
    """
    record = read_json(run / SEAL)
    if record is None:
        if (run / SEAL).exists():
            yield f"{SEAL} is damaged"
        return
    for name, expected in _hashes(run / SEAL, record).items():
        if not (run / name).is_file():
            yield f"{name} is missing"
        elif sha256(run / name) != expected:
            yield f"{name} has changed since the run finished: expected {expected}"


def _hashes(path: Path, record: Mapping[str, Any]) -> dict[str, str]:
    """The SHA-256 of each file by its name."""
    try:
        hashes = {name: str(each["sha256"]) for name, each in record["files"].items()}
    except (KeyError, TypeError, AttributeError):
        raise CheckpointError(
            f"{path} does not say which files the run had",
            code="CKP115",
            hint="train again, or ask for the run as it was; nothing else in it can be trusted",
        ) from None
    for name in hashes:
        if "/" in name or "\0" in name or name in ("", ".", "..") or len(os.fsencode(name)) > 255:
            raise UnsafeError(
                f"{path} names {name!r}, which is not a file in the run's folder",
                hint="nothing of it was opened; do not use this run",
            )
    return hashes


def _sealed(run: Path) -> Iterator[Path]:
    for path in run.iterdir():
        hidden = path.name.startswith(".")
        if path.is_file() and not path.is_symlink() and not hidden and path.name not in LIVING:
            yield path
