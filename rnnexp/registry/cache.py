"""The folder that holds copies of public sets, and `data:NAME` -> a file or folder in it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from rnnexp.errors import DataError, Position, UnsafeError, nearest
from rnnexp.reading import read_bytes, sha256
from rnnexp.registry.sets import SETS, RegistryFile, RegistrySet

__all__ = [
    "PREFIX",
    "Presence",
    "cache_folder",
    "check_file",
    "expected_sha256",
    "find",
    "held",
    "missing",
    "nearest_name",
    "presence",
    "record_of",
]

PREFIX = "data:"
"""what a path in a config begins with that names a set, or a file, of the registry"""

Presence = Literal["yes", "no", "partly", "damaged"]

RECORD_BYTES = 4096  # a hash and a name, with room to spare


def cache_folder() -> Path:
    """`RNNEXP_DATA`, else `$XDG_CACHE_HOME/rnnexp`, else `~/.cache/rnnexp`."""
    if named := os.environ.get("RNNEXP_DATA"):
        return Path(named).absolute()
    base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return (base.expanduser() / "rnnexp").absolute()


def find(name: str) -> tuple[RegistrySet, tuple[RegistryFile, ...]] | None:
    """A set by its name, with all its files, or by the path of one of its files, with that one."""
    for found in SETS:
        if found.name == name:
            return found, found.files
    for found in SETS:
        for file in found.files:
            if file.path == name:
                return found, (file,)
    return None


def nearest_name(name: str) -> str | None:
    """The set, or file of a set, whose name is most like `name`."""
    files = [file.path for found in SETS for file in found.files]
    return nearest(name, [found.name for found in SETS]) or nearest(name, files)


def presence(files: Sequence[RegistryFile], folder: Path) -> Presence:
    """Whether the cache has the files; told by their sizes, without reading them."""
    sizes = [_size(folder / file.path) for file in files]
    if any(
        size is not None and file.bytes not in (None, size)
        for size, file in zip(sizes, files, strict=True)
    ):
        return "damaged"
    there = sum(size is not None for size in sizes)
    return "yes" if there == len(files) else "partly" if there else "no"


def missing(text: str) -> list[str]:
    """The sets to get before a config, given as text, can train: those it names as `data:NAME`."""
    folder, wanted = cache_folder(), []
    for name in re.findall(rf"\b{PREFIX}([\w.][\w./-]*)", text):
        known = find(name)
        if known is None or presence(known[1], folder) != "yes":
            wanted.append(known[0].name if known else name)
    return wanted


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return None


# -- what a file must be ---------------------------------------------------------------------------


def record_of(path: Path) -> Path:
    """Where the hash is kept that a file without a published one had when it was downloaded."""
    return path.with_name(f"{path.name}.sha256")


def expected_sha256(file: RegistryFile, folder: Path) -> str | None:
    """The published hash, else the one of the first download, else None."""
    if file.sha256 is not None:
        return file.sha256
    try:
        text = read_bytes(record_of(folder / file.path), RECORD_BYTES).decode()
    except (OSError, UnicodeDecodeError):
        return None
    return text.split()[0] if text.strip() else None


def check_file(file: RegistryFile, folder: Path, **where: Any) -> str:
    """Holds a file of the cache against size and hash, and returns its hash.

    where: position and key for the message. Raises DataError.
    """
    path = folder / file.path
    try:
        status = path.stat()
        digest = _sha256(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", code="DAT163", **where) from None
    expected = expected_sha256(file, folder)
    if file.bytes not in (None, status.st_size) or expected not in (None, digest):
        raise DataError(
            f"{path} is not what was published: {status.st_size:,} bytes, SHA-256 {digest}; "
            f"expected {_bytes_text(file.bytes)}SHA-256 {expected or file.sha256}",
            code="DAT163",
            hint=f"remove it, then: rnnexp data get {file.path}",
            **where,
        )
    return digest


def _bytes_text(size: int | None) -> str:
    return "" if size is None else f"{size:,} bytes, "


@lru_cache(maxsize=256)
def _sha256(path: Path, size: int, changed: int) -> str:
    """The hash of a file, computed again when its size or time of change (ns) is another."""
    return sha256(path)


# -- `data:NAME` in a config -----------------------------------------------------------------------


def held(name: str, position: Position, key: str) -> Path:
    """The file, or the folder of a set of several, that `data:` + `name` means, whole and checked.

    position, key: where the config says so. Nothing is downloaded here.

    Raises:
        DataError: no such set, or the cache lacks it or holds something else.
        UnsafeError: a name that leads out of the cache.
    """
    where: dict[str, Any] = {"position": position, "key": key}
    found, files = _known(name, where)
    folder = cache_folder()
    if any(_size(folder / file.path) is None for file in files):
        raise DataError(
            f"{name} is not in the data cache {folder}",
            code="DAT162",
            value=PREFIX + name,
            hint=f"rnnexp data get {found.name}",
            **where,
        )
    for file in files:
        check_file(file, folder, **where)
    if len(files) == 1:
        return folder / files[0].path
    if found.folder is None:
        paths = ", ".join(PREFIX + file.path for file in files)
        raise DataError(
            f"the files of {found.name} are no folder: name one of them",
            code="DAT161",
            value=PREFIX + name,
            allowed=paths,
            **where,
        )
    return folder / found.folder


def _known(name: str, where: dict[str, Any]) -> tuple[RegistrySet, tuple[RegistryFile, ...]]:
    if ".." in PurePosixPath(name).parts or name.startswith("/"):
        raise UnsafeError(
            "leads out of the data cache",
            code="SAF020",
            value=PREFIX + name,
            allowed=f"{PREFIX}NAME of rnnexp data ls; a path of your own has no {PREFIX!r}",
            **where,
        )
    if known := find(name):
        return known
    meant = nearest_name(name)
    raise DataError(
        "no such set in the data registry",
        code="DAT161",
        value=PREFIX + name,
        suggestion=meant and PREFIX + meant,
        allowed=", ".join(found.name for found in SETS),
        hint="rnnexp data ls shows them; a file of yours that is called so: ./" + PREFIX + name,
        **where,
    )
