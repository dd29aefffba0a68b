"""From bytes to text, piece by piece: UTF-8 without a byte order mark, every line end a newline."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterable, Iterator

from rnnexp.errors import DataError, Position

__all__ = ["decode"]

Read = Callable[[], Iterable[bytes]]
MARK = "\ufeff"


def decode(read: Read, name: str) -> Iterator[str]:
    """The text of the bytes that `read` delivers from the start at each call, in pieces.

    Raises:
        DataError: bytes that are not UTF-8, or NUL bytes; with line and column.
    """
    utf8 = codecs.getincrementaldecoder("utf-8")()
    lines = io.IncrementalNewlineDecoder(utf8, translate=True)
    begun, end = False, 0
    try:
        for piece in read():
            end += len(piece)
            text = lines.decode(piece)
            if "\0" in text:
                raise _nul(read, name)
            if text:
                yield text if begun else text.removeprefix(MARK)
                begun = True
        yield lines.decode(b"", final=True)
    except UnicodeDecodeError as error:
        offset = end - len(error.object) + error.start
        raise _not_utf8(read, name, offset, error.object[error.start]) from None


def _not_utf8(read: Read, name: str, offset: int, byte: int) -> DataError:
    return DataError(
        f"not UTF-8: byte 0x{byte:02x} at byte offset {offset}",
        code="DAT104",
        position=_place(read, name, offset),
        hint="save the file as UTF-8",
    )


def _nul(read: Read, name: str) -> DataError:
    offset = 0
    for piece in read():
        found = piece.find(b"\0")
        if found >= 0:
            offset += found
            break
        offset += len(piece)
    return DataError(
        f"NUL byte at byte offset {offset}: this is no UTF-8 text",
        code="DAT104",
        position=_place(read, name, offset),
        hint="a binary file or UTF-16? save it as UTF-8 text",
    )


def _place(read: Read, name: str, offset: int) -> Position:
    """Line and column, in characters, of a byte."""
    utf8 = codecs.getincrementaldecoder("utf-8-sig")("replace")
    line = column = 1
    for piece in read():
        text = utf8.decode(piece[:offset])
        line += text.count("\n")
        newline = text.rfind("\n")
        column = len(text) - newline if newline >= 0 else column + len(text)
        offset -= len(piece)
        if offset <= 0:
            break
    return Position(name, line, column)
