"""A file that the command line names: opened safely, read line by line in constant memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rnnexp.data.memory import check_memory
from rnnexp.data.sources.files import MEMORY_PER_BYTE, SourceFile, kind_of, open_without_waiting
from rnnexp.errors import CommandError, DataError, Position

__all__ = ["lines_of", "open_given", "read_given"]

LONGEST_LINE = 16 * 2**20


def open_given(path: Path, key: str) -> BinaryIO:
    """The file at a path that was given as the argument or option `key`.

    Raises:
        CommandError: no such file, or it cannot be read.
        DataError: a directory, a device or the like.
    """
    try:
        kind = kind_of(path.stat())  # before opening: opening alone can act on a device
        if kind is None:
            return open(path, "rb", opener=open_without_waiting)
    except FileNotFoundError:
        raise _unreadable(path, key, f"no such file: {path.absolute()}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise _unreadable(path, key, f"cannot be read: {reason}") from None
    raise DataError(
        f"{path} is {kind}, not a file", code="DAT102", key=key, allowed="a regular file"
    )


def read_given(path: Path, key: str) -> SourceFile:
    """The whole file. Raises as `open_given`, and MemoryExceededError."""
    with open_given(path, key) as file:
        size = os.fstat(file.fileno()).st_size
        check_memory(size * MEMORY_PER_BYTE, f"{path} ({size:,} bytes)", Position(str(path)), key)
        return SourceFile(str(path), file.read())


def lines_of(file: BinaryIO, name: str) -> Iterator[tuple[int, str]]:
    """Number, from 1, and text of every line that is not blank, without its end.

    Raises:
        DataError: bytes that are not UTF-8 text, or an endless line.
    """
    number = 0
    while raw := file.readline(LONGEST_LINE):
        number += 1
        if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
            raise DataError(
                f"a line of more than {LONGEST_LINE:,} bytes",
                code="DAT104",
                position=Position(name, number),
            )
        text = SourceFile(name, raw).text() if number == 1 else _decoded(raw, name, number)
        if text.strip():
            yield number, text.rstrip("\r\n")


def _decoded(raw: bytes, name: str, number: int) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        column = len(raw[: error.start].decode(errors="replace")) + 1
        raise DataError(
            f"not UTF-8: byte 0x{raw[error.start]:02x}",
            code="DAT104",
            position=Position(name, number, column),
            hint="save the file as UTF-8",
        ) from None
    if "\0" in text:
        raise DataError(
            "NUL byte: this is no UTF-8 text",
            code="DAT104",
            position=Position(name, number, text.index("\0") + 1),
        )
    return text


def _unreadable(path: Path, key: str, message: str) -> CommandError:
    return CommandError(message, code="CMD120", key=key, value=str(path))
