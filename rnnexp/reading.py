"""Reading files whole or in pieces, with care for what they are."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from rnnexp.errors import CheckpointError, UnsafeError

__all__ = ["check_plain", "open_plain", "read_bytes", "sha256"]

KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def check_plain(folder: Path, levels: int = -1) -> None:
    """Check that below a run's or a sweep's folder there are only files and folders.

    So whatever is read, written, renamed or removed there by name lies there. The folder itself may
    be a link, which is for who named it. levels: how deep to look, -1 for all the way down.

    Raises UnsafeError (a link, a FIFO, a device), CheckpointError (a folder cannot be read).
    """
    waiting = [(os.fspath(folder), levels)]
    while waiting:
        place, left = waiting.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if left != 1:
                            waiting.append((entry.path, left - 1))
                    elif not entry.is_file(follow_symlinks=False):
                        with suppress(FileNotFoundError):  # a living run removes files
                            _refuse_odd(entry.path, os.lstat(entry.path).st_mode)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise CheckpointError(f"{place} cannot be read: {error.strerror}") from error


def _refuse_odd(path: str | Path, mode: int) -> None:
    """Raises UnsafeError unless the mode is a file's or a folder's."""
    if kind := KINDS.get(stat.S_IFMT(mode)):
        raise UnsafeError(
            f"{path} is {kind}",
            hint="a run has only files and folders in it, and nothing leads out of it;"
            f" remove {path}, or put what it stands for in its place",
        )


def open_plain(path: Path) -> BinaryIO:
    """A regular file, to be read. Raises UnsafeError (a link, a FIFO, a device), OSError."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            _refuse_odd(path, stat.S_IFLNK)
        raise
    stream = os.fdopen(file, "rb")
    try:
        _refuse_odd(path, os.fstat(file).st_mode)
    except UnsafeError:
        stream.close()
        raise
    return stream


def read_bytes(path: Path, limit: int | None = None) -> bytes:
    """A regular file of at most `limit` bytes. Raises as `open_plain`, UnsafeError (too big)."""
    with open_plain(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        if limit is not None and size > limit:
            raise UnsafeError(f"{path} has {size:,} bytes, at most {limit:,} are read")
        return stream.read() if limit is None else stream.read(limit)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex, read in pieces. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
