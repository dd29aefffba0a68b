"""A file that the user names: a regular file, of a size that fits in memory, in UTF-8."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from rnnexp.config.config import Config
from rnnexp.config.nearest import nearest
from rnnexp.data.memory import check_memory
from rnnexp.errors import DataError, Position

__all__ = [
    "SourceFile",
    "kind_of",
    "list_folder",
    "open_without_waiting",
    "read_file",
    "read_path",
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


def read_file(config: Config, key: str) -> SourceFile:
    """Read the file that the config names at `key`, such as `data.path`.

    Raises:
        DataError: no such file, or not a readable regular file.
        MemoryExceededError: it is larger than this machine's memory allows.
    """
    return read_path(config.file(key), config, key)


def read_path(path: Path, config: Config, key: str) -> SourceFile:
    """Read a file that was found by way of `key`.

    Raises:
        DataError: no such file, or not a readable regular file.
        MemoryExceededError: it is larger than this machine's memory allows.
    """
    try:
        # Kind before opening: opening alone can block on a FIFO or act on a device.
        _check_kind(path.stat(), path, config, key)
        with open(path, "rb", opener=open_without_waiting) as file:
            status = os.fstat(file.fileno())
            _check_kind(status, path, config, key)
            needed = status.st_size * MEMORY_PER_BYTE
            check_memory(needed, f"{path} ({status.st_size:,} bytes)", config.where(key), key)
            return SourceFile(str(path), file.read() or b"")
    except (OSError, ValueError) as error:
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
