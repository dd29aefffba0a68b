"""A file that the user names: a regular file in UTF-8.

`read_file` holds it whole, where its size fits in memory; `StreamedFile` reads it piece by piece.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from rnnexp.config.config import Config
from rnnexp.config.nearest import nearest
from rnnexp.data.memory import check_memory
from rnnexp.errors import DataError, Position

__all__ = ["SourceFile", "StreamedFile", "read_file"]

KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
# The bytes, the decoded text, its pieces and the numbers in them live at the same time.
MEMORY_PER_BYTE = 8
PIECE = 1 << 20
"""bytes that are held at a time of a file that is streamed"""


@dataclass(frozen=True)
class SourceFile:
    """The bytes of one data file, and the name to use in messages."""

    name: str
    raw: bytes

    def at(self, line: int | None = None, column: int | None = None) -> Position:
        return Position(self.name, line, column)

    def record(self) -> dict[str, Any]:
        """What `data.json` keeps about this file."""
        digest = hashlib.sha256(self.raw).hexdigest()
        return {"path": self.name, "sha256": digest, "bytes": len(self.raw)}

    def text(self) -> str:
        """The text without a byte order mark, every line end a newline.

        Raises:
            DataError: bytes that are not UTF-8, or NUL bytes.
        """
        try:
            text = self.raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(
                f"not UTF-8: byte 0x{self.raw[error.start]:02x} at byte offset {error.start}",
                code="DAT104",
                position=self._place(error.start),
                hint="save the file as UTF-8",
            ) from None
        if "\0" in text:
            offset = self.raw.index(b"\0")
            raise DataError(
                f"NUL byte at byte offset {offset}: this is no UTF-8 text",
                code="DAT104",
                position=self._place(offset),
                hint="a binary file or UTF-16? save it as UTF-8 text",
            )
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _place(self, offset: int) -> Position:
        """Line and column, in characters, of a byte."""
        before = self.raw[:offset].decode("utf-8-sig", errors="replace")
        return self.at(before.count("\n") + 1, len(before) - before.rfind("\n"))


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
        for piece in self._pieces():
            digest.update(piece)
            size += len(piece)
        return {"path": self.name, "sha256": digest.hexdigest(), "bytes": size}

    def text(self) -> Iterator[str]:
        """The pieces of its text.

        Raises:
            DataError: no such file, not a readable regular file, or not UTF-8.
        """
        utf8 = codecs.getincrementaldecoder("utf-8-sig")()
        try:
            for piece in self._pieces():
                yield utf8.decode(piece)
            yield utf8.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise DataError(
                f"not UTF-8: byte 0x{error.object[error.start]:02x}",
                code="DAT104",
                position=Position(self.name),
                hint="save the file as UTF-8",
            ) from None

    def _pieces(self) -> Iterator[bytes]:
        with _open(self.config, self.key) as file:
            while piece := file.read(PIECE):
                yield piece


def read_file(config: Config, key: str) -> SourceFile:
    """Read the file that the config names at `key`, such as `data.path`.

    Raises:
        DataError: no such file, or not a readable regular file.
        MemoryExceededError: it is larger than this machine's memory allows.
    """
    with _open(config, key) as file:
        name, size = str(config.file(key)), os.fstat(file.fileno()).st_size
        check_memory(size * MEMORY_PER_BYTE, f"{name} ({size:,} bytes)", config.where(key), key)
        try:
            return SourceFile(name, file.read() or b"")
        except OSError as error:
            _refuse(error, config.file(key), config, key)


def _open(config: Config, key: str) -> BinaryIO:
    path = config.file(key)
    try:
        # Kind before opening: opening alone can block on a FIFO or act on a device.
        _check_kind(path.stat(), path, config, key)
        file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115 (the caller's)
    except (OSError, ValueError) as error:
        _refuse(error, path, config, key)
    try:
        _check_kind(os.fstat(file.fileno()), path, config, key)
    except DataError:
        file.close()
        raise
    return file


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _check_kind(status: os.stat_result, path: Path, config: Config, key: str) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    kind = KINDS.get(stat.S_IFMT(status.st_mode), "no regular file")
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
