"""A file that the user names: a regular file in UTF-8, as it is or packed by gzip.

`read_file` holds it whole, where its size fits in memory; `StreamedFile` reads it piece by piece.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from rnnexp.config.config import Config
from rnnexp.config.nearest import nearest
from rnnexp.data.memory import check_memory
from rnnexp.data.sources.decoding import decode
from rnnexp.data.sources.gzip_pieces import MAGIC, PIECE, gunzip
from rnnexp.errors import DataError, Position

__all__ = [
    "SourceFile",
    "StreamedFile",
    "kind_of",
    "list_folder",
    "open_without_waiting",
    "read_file",
    "read_path",
    "read_small_file",
]

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
