"""Reading the text files of a run, also while it is written, also where a file is damaged."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from rnnexp.errors import CheckpointError, UnsafeError

__all__ = [
    "BINARY",
    "check_plain",
    "differences",
    "finite",
    "is_pickle",
    "json_line",
    "open_plain",
    "read_bytes",
    "read_json",
    "read_records",
    "sha256",
]


# Reading files whole or in pieces, with care for what they are.

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


# Knowing a pickle when one comes along, so that nothing in it is ever interpreted.

BINARY = re.compile(rb"\x80[\x02-\x05][().012BCF-NP-VX\]a-eg-jl-u}\x81-\x98]")
"""protocols 2 to 5: a number of the protocol, then the first of the opcodes"""
TEXT_OPCODES = b"(c])}IJLNSVFKMpXG"


def is_pickle(data: bytes) -> bool:
    """Known by its first bytes and its last, whatever the file is called.

    Protocols 0 and 1 begin with any of many letters and end in a full stop. The length of a
    safetensors header may look like either, and its file is none.
    """
    text = data[:1] in TEXT_OPCODES and data[-1:] == b"."
    return bool(data) and (text or bool(BINARY.match(data))) and not _is_safetensors(data)


def _is_safetensors(data: bytes) -> bool:
    """Whether eight bytes give the length of a header that is there, and it opens with a brace."""
    return data[8:9] == b"{" and int.from_bytes(data[:8], "little") <= len(data) - 8


# JSON that every reader accepts, numbers that are not finite written as text; and two compared.


def json_line(value: Mapping[str, Any]) -> str:
    """`value` as JSON on one line, in ASCII.

    JSON has no NaN: `"NaN"`, `"Infinity"` and `"-Infinity"` stand for them, which `float()` reads.
    """
    return json.dumps(finite(value), allow_nan=False)


def finite(value: Any) -> Any:
    """`value` with numbers that are not finite as in `json_line`, and paths as text."""
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return str(value) if isinstance(value, os.PathLike) else value


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Dotted keys of all that two trees do not share, with both values."""
    for key in {**before, **after}:
        then, now = before.get(key), after.get(key)
        if isinstance(then, Mapping) and isinstance(now, Mapping):
            yield from differences(then, now, f"{prefix}{key}.")
        elif then != now:
            yield f"{prefix}{key}", (then, now)


# Reading the text files of a run, also while it is written, also where a file is damaged.

JSON_LIMIT = 64 * 2**20


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file, or None where the file is missing or holds something else.

    Raises UnsafeError where it is a link, a FIFO or a device, or absurdly large.
    """
    try:
        value = json.loads(read_bytes(path, JSON_LIMIT))
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file in order; lines that are torn or damaged are passed over."""
    try:
        lines = open_plain(path)
    except OSError:
        return
    with lines:
        for line in lines:
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(record, dict):
                yield record
