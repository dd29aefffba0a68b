"""A file that the command line names: opened safely, read line by line in constant memory."""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from rnnexp.config.config import Config
from rnnexp.data.memory import check_memory
from rnnexp.errors import CommandError, DataError, Position, nearest

__all__ = [
    "PIECE",
    "SourceFile",
    "StreamedFile",
    "decode",
    "gunzip",
    "kind_of",
    "lines_of",
    "list_folder",
    "open_given",
    "open_without_waiting",
    "read_file",
    "read_given",
    "read_path",
    "read_small_file",
]


# From bytes to text, piece by piece: UTF-8 without a byte order mark, every line end a newline.

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


# Unpacking gzip piece by piece: a small file can unpack to more than any memory holds.

MAGIC = b"\x1f\x8b"
PIECE = 1 << 20
"""bytes that are held at a time, packed or unpacked"""
GZIP = 16 + zlib.MAX_WBITS


def gunzip(packed: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The content of every member of a gzip file, at most `PIECE` bytes at a time.

    Raises:
        DataError: the file ends too early, or is no gzip from some byte on.
    """
    member, offset = zlib.decompressobj(GZIP), 0
    for piece in packed:
        rest, full = piece, False
        while rest or full:
            if member.eof:
                rest = rest.lstrip(b"\0")  # blocks of a tape or a disk are filled up with zeros
                if not rest:
                    break
                member = zlib.decompressobj(GZIP)
            try:
                content = member.decompress(rest, PIECE)
            except zlib.error as error:
                raise _damaged(name, offset + len(piece) - len(rest), str(error)) from None
            if content:
                yield content
            rest = member.unused_data if member.eof else member.unconsumed_tail
            full = len(content) == PIECE and not member.eof
        offset += len(piece)
    if not member.eof:
        raise _damaged(name, offset, "the file ends before its content does")


def _damaged(name: str, offset: int, reason: str) -> DataError:
    reason = reason.rpartition(": ")[2]
    return DataError(
        f"damaged gzip: {reason}, in the packed bytes from offset {offset:,} on",
        code="DAT171",
        position=Position(name),
        hint="fetch the file again; gzip -t tests it",
    )


# A file that the user names: a regular file in UTF-8, as it is or packed by gzip.
#
# `read_file` holds it whole, where its size fits in memory; `StreamedFile` reads it piece by
# piece.

KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
# The bytes, the decoded text, its pieces and the numbers in them live at the same time.
MEMORY_PER_BYTE = 8


@dataclass(frozen=True)
class SourceFile:
    """The bytes of one data file, and the name to use in messages.

    raw: its content. packed: its bytes as they lie on disk, where those are gzip.
    """

    name: str
    raw: bytes
    packed: bytes | None = None

    def at(self, line: int | None = None, column: int | None = None) -> Position:
        return Position(self.name, line, column)

    def record(self) -> dict[str, Any]:
        """What `data.json` keeps about this file: it is told by its bytes on disk."""
        stored = self.raw if self.packed is None else self.packed
        return _record(self.name, hashlib.sha256(stored).hexdigest(), len(stored))

    def text(self) -> str:
        """The text without a byte order mark, every line end a newline.

        Raises:
            DataError: bytes that are not UTF-8, or NUL bytes.
        """
        return "".join(decode(lambda: _cut(self.raw), self.name))


@dataclass(frozen=True)
class StreamedFile:
    """A data file that is read anew, in pieces, each time it is asked for, and never held whole."""

    config: Config
    key: str

    @property
    def name(self) -> str:
        return str(self.config.file(self.key))

    def record(self) -> dict[str, Any]:
        """What `data.json` keeps about this file."""
        digest, size = hashlib.sha256(), 0
        for piece in self._stored():
            digest.update(piece)
            size += len(piece)
        return _record(self.name, digest.hexdigest(), size)

    def text(self) -> Iterator[str]:
        """The pieces of its text, as in `SourceFile.text`.

        Raises:
            DataError: bytes that are not UTF-8, NUL bytes, damaged gzip, or a failing disk.
        """
        return decode(self._content, self.name)

    def _content(self) -> Iterable[bytes]:
        return _unpacked(self._stored(), self.name)

    def _stored(self) -> Iterator[bytes]:
        path = self.config.file(self.key)
        with _open(path, self.config, self.key) as file:
            yield from _pieces_of(file, path, self.config, self.key)


def read_file(config: Config, key: str) -> SourceFile:
    """Read the file that the config names at `key`, such as `data.path`.

    Raises:
        DataError: no such file, not a readable regular file, or damaged gzip.
        MemoryExceededError: it, or what it unpacks to, is larger than this machine's memory allows.
    """
    return read_path(config.file(key), config, key)


def read_path(path: Path, config: Config, key: str) -> SourceFile:
    """Read a file that was found by way of `key`; raises what `read_file` does."""
    file = _read(path, config, key, None)
    assert file is not None
    return file


def read_small_file(config: Config, key: str, most: int) -> SourceFile | None:
    """`read_file`, but None where the content has more than `most` bytes."""
    return _read(config.file(key), config, key, most)


def _read(path: Path, config: Config, key: str, most: int | None) -> SourceFile | None:
    with _open(path, config, key) as file:
        size, name = os.fstat(file.fileno()).st_size, str(path)
        if most is not None and size > most:
            return None
        _check_memory(config, key, name, size)
        stored = b"".join(_pieces_of(file, path, config, key))
    if not stored.startswith(MAGIC):
        return SourceFile(name, stored)
    content = bytearray()
    for piece in gunzip(_cut(stored), name):
        content += piece
        if most is not None and len(content) > most:
            return None
        _check_memory(config, key, name, len(content))
    return SourceFile(name, bytes(content), stored)


def _cut(raw: bytes) -> Iterator[bytes]:
    return (raw[i : i + PIECE] for i in range(0, len(raw), PIECE))


def _check_memory(config: Config, key: str, name: str, size: int) -> None:
    check_memory(size * MEMORY_PER_BYTE, f"{name} ({size:,} bytes)", config.where(key), key)


def _record(name: str, sha256: str, size: int) -> dict[str, Any]:
    return {"path": name, "sha256": sha256, "bytes": size}


def _unpacked(stored: Iterator[bytes], name: str) -> Iterable[bytes]:
    """The content, told by its first bytes and not by the file's name."""
    first = next(stored, b"")
    pieces = chain((first,), stored)
    return gunzip(pieces, name) if first.startswith(MAGIC) else pieces


def _open(path: Path, config: Config, key: str) -> BinaryIO:
    try:
        # Kind before opening: opening alone can block on a FIFO or act on a device.
        _check_kind(path.stat(), path, config, key)
        file = open(path, "rb", opener=open_without_waiting)  # noqa: SIM115 (the caller's)
    except (OSError, ValueError) as error:
        _refuse(error, path, config, key)
    try:
        _check_kind(os.fstat(file.fileno()), path, config, key)
    except DataError:
        file.close()
        raise
    return file


def _pieces_of(file: BinaryIO, path: Path, config: Config, key: str) -> Iterator[bytes]:
    try:
        while piece := file.read(PIECE):
            yield piece
    except OSError as error:
        _refuse(error, path, config, key)


def list_folder(path: Path, config: Config, key: str) -> list[Path]:
    """What a folder holds, sorted by name; hidden entries are passed over.

    Raises:
        DataError: no such folder, or not a readable one.
    """
    try:
        return sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    except NotADirectoryError:
        raise DataError(
            f"{path} is a file, not a folder",
            code="DAT102",
            position=config.where(key),
            key=key,
            allowed="a folder",
        ) from None
    except (OSError, ValueError) as error:
        _refuse(error, path, config, key)


def open_without_waiting(path: str, flags: int) -> int:
    """An opener for `open` that does not block on a FIFO."""
    return os.open(path, flags | os.O_NONBLOCK)


def kind_of(status: os.stat_result) -> str | None:
    """What is no regular file, in words; None for a regular one."""
    if stat.S_ISREG(status.st_mode):
        return None
    return KINDS.get(stat.S_IFMT(status.st_mode), "no regular file")


def _check_kind(status: os.stat_result, path: Path, config: Config, key: str) -> None:
    kind = kind_of(status)
    if kind is None:
        return
    raise DataError(
        f"{path} is {kind}, not a file",
        code="DAT102",
        position=config.where(key),
        key=key,
        allowed="a regular file",
    )


def _refuse(error: OSError | ValueError, path: Path, config: Config, key: str) -> NoReturn:
    position = config.where(key)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        written = Path(position.file).is_file()
        start = f"folder of {position.file}" if written else "current folder"
        raise DataError(
            f"no such file: {path} (a relative path starts at the {start})",
            code="DAT101",
            position=position,
            key=key,
            value=_as_written(config, key),
            suggestion=_nearest(path),
        ) from None
    reason = error.strerror if isinstance(error, OSError) else "not a file name"
    raise DataError(
        f"cannot read {str(path)[:200]!r}: {reason}",
        code="DAT103",
        position=position,
        key=key,
    ) from None


def _as_written(config: Config, key: str) -> Any:
    return getattr(config.experiment.data, key.removeprefix("data."), None)


def _nearest(path: Path) -> str | None:
    """The file beside `path` whose name is most like it."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return None
    return nearest(path.name, names)


# A file that the command line names: opened safely, read line by line in constant memory.

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
