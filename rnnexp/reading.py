"""Reading files whole or in pieces, with care for what they are."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

from rnnexp.errors import UnsafeError

__all__ = ["read_bytes", "sha256"]


def read_bytes(path: Path, limit: int | None = None) -> bytes:
    """A regular file of at most `limit` bytes. Raises UnsafeError (a link, too big), OSError."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnsafeError(f"{path} is a symbolic link") from error
        raise
    with os.fdopen(file, "rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if limit is not None and size > limit:
            raise UnsafeError(f"{path} has {size:,} bytes, at most {limit:,} are read")
        return stream.read() if limit is None else stream.read(limit)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex, read in pieces. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
