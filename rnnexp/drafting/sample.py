"""The beginning of a data file: enough to see what it is, however large it is."""

from __future__ import annotations

import gzip
import os
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import NoReturn

from rnnexp.data.reading_files import SourceFile, kind_of, open_without_waiting
from rnnexp.errors import CommandError, DataError, Position, nearest

__all__ = ["MOST_BYTES", "Sample", "check_there", "take_sample"]

MOST_BYTES = 1_000_000
"""so much of a file is looked at, unpacked"""
GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Sample:
    """The first bytes of a file, unpacked where it is gzip.

    path: the file itself; name: as it was given; whole: whether `raw` is all there is; size: bytes
    of the file on disk.
    """

    path: Path
    name: str
    raw: bytes
    whole: bool
    size: int
    packed: bool = False

    @property
    def short_name(self) -> str:
        """The name of the file without its folder."""
        return self.path.name

    @property
    def plain_name(self) -> str:
        """The same without `.gz`."""
        return self.short_name.removesuffix(".gz")

    @property
    def suffix(self) -> str:
        return PurePath(self.plain_name).suffix.lower()

    @cached_property
    def text(self) -> str:
        """Whole lines where there are any.

        Raises:
            DataError: bytes that are not UTF-8, or NUL bytes.
        """
        raw = self.raw
        if not self.whole:
            end = raw.rfind(b"\n") + 1
            raw = raw[:end] if end else _whole_characters(raw)
        return SourceFile(self.name, raw).text()

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def at(self, line: int | None = None) -> Position:
        return Position(self.name, line)

    def scaled(self, count: int) -> str:
        """A count of the sample as words about the whole file: `120`, or `about 1,200,000`.

        How far a packed file goes on is not known before it is unpacked.
        """
        if self.whole:
            return f"{count:,}"
        if self.packed:
            return f"more than {count:,}"
        return f"about {self.estimate(count):,}"

    def estimate(self, count: int) -> int:
        """A count of the sample, carried over to the whole file."""
        read = max(len(self.raw), 1)
        return count if self.whole or self.packed else round(count * self.size / read)


def check_there(path: Path, given: str) -> os.stat_result:
    """The status of a path that the command line names.

    Raises:
        CommandError: there is nothing, or it cannot be looked at.
    """
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        beside = path.parent if path.parent.is_dir() else Path()
        meant = nearest(path.name, _names(beside)) if path.parent.is_dir() else None
        raise CommandError(
            "no such file or folder",
            code="CMD130",
            value=given,
            suggestion=meant and str(path.with_name(meant)),
            hint="a set of the registry is data:NAME; rnnexp data ls lists them",
        ) from None
    except (OSError, ValueError) as error:
        _unreadable(given, error)


def take_sample(path: Path, given: str) -> Sample:
    """The first `MOST_BYTES` of a file.

    Raises:
        CommandError: no such file, or it cannot be read.
        DataError: a FIFO, a device, an empty or damaged file.
    """
    status = check_there(path, given)
    if (kind := kind_of(status)) is not None:
        raise DataError(f"{given} is {kind}, not a file", code="DAT102", allowed="a regular file")
    try:
        with open(path, "rb", opener=open_without_waiting) as file:
            raw = file.read(MOST_BYTES)
    except OSError as error:
        _unreadable(given, error)
    packed, whole = raw.startswith(GZIP), status.st_size <= len(raw)
    if packed:
        raw, whole = _unpacked(path, given)
    if not raw.strip():
        raise DataError("the file is empty", code="DAT105", position=Position(given))
    return Sample(path, given, raw, whole, status.st_size, packed)


def _unpacked(path: Path, given: str) -> tuple[bytes, bool]:
    """The beginning of what a gzip file holds, never more, and whether that is all."""
    try:
        with gzip.open(path) as stream:
            raw = stream.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"this gzip file cannot be read: {error}",
            code="DAT252",
            position=Position(given),
            hint="the file is cut short or damaged; fetch it again",
        ) from None
    return raw[:MOST_BYTES], len(raw) <= MOST_BYTES


def _whole_characters(raw: bytes) -> bytes:
    """`raw` without the beginning of a UTF-8 character that was cut in two."""
    for back in range(1, min(4, len(raw)) + 1):
        if raw[-back] >= 0xC0:
            return raw[:-back]
        if raw[-back] < 0x80:
            break
    return raw


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except OSError:
        return []


def _unreadable(given: str, error: OSError | ValueError) -> NoReturn:
    reason = error.strerror if isinstance(error, OSError) else "not a file name"
    raise CommandError(f"cannot be read: {reason}", code="CMD131", value=given) from None
