"""A .npz file, a zip archive of .npy arrays: nothing is unpacked before its size is known."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any, NoReturn

from numpy.typing import NDArray

from rnnexp.data.arrays.npy import read_npy
from rnnexp.data.sources.files import SourceFile
from rnnexp.errors import DataError, UnsafeError
from rnnexp.pickles import is_pickle

__all__ = ["NpzFile"]

DEFLATE_RATIO = 1032
"""how many bytes one byte of deflate can become at most"""
SLACK = 64  # of the smallest blocks
MOST_MEMBERS = 10_000
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
)
"""what zipfile raises on archives that are damaged, wherever the damage lies"""


@dataclass(frozen=True)
class NpzFile:
    """The arrays of an archive by name, each read when it is asked for."""

    file: SourceFile
    archive: zipfile.ZipFile
    members: dict[str, zipfile.ZipInfo]

    @classmethod
    def open(cls, file: SourceFile) -> NpzFile:
        """Check the archive and every member's entry.

        Raises:
            DataError: a damaged archive, an encrypted member, a name that stands twice.
            UnsafeError: a pickle among the members, a bomb, a name that leads elsewhere.
        """
        try:
            archive = zipfile.ZipFile(io.BytesIO(file.raw))
        except BROKEN as error:
            _damaged(file, str(error))
        if len(archive.infolist()) > MOST_MEMBERS:
            _refuse(file, f"{len(archive.infolist()):,} members, more than {MOST_MEMBERS:,}")
        members: dict[str, zipfile.ZipInfo] = {}
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if name in members:
                _damaged(file, f"array {name!r} stands in it twice")
            _check_member(file, archive, member)
            members[name] = member
        return cls(file, archive, members)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.members)

    def bytes_of(self, name: str) -> int:
        """What the archive says that an array takes."""
        return self.members[name].file_size

    def read(self, name: str) -> NDArray[Any]:
        """One array.

        Raises:
            DataError: it is damaged, or no array of numbers.
            UnsafeError: it holds Python objects.
        """
        member = self.members[name]
        try:
            with self.archive.open(member) as stream:
                raw = stream.read(member.file_size + 1)
        except BROKEN as error:
            _damaged(self.file, f"array {name!r}: {error}")
        if len(raw) != member.file_size:
            what = f"array {name!r} claims {member.file_size:,} bytes and has {len(raw):,}"
            _damaged(self.file, what)
        return read_npy(self.file.at(), f"array {name!r}", raw)


def _check_member(file: SourceFile, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    name = member.filename
    if name.startswith("/") or ".." in name.split("/") or "\\" in name:
        _refuse(file, f"the name {name!r} leads out of the archive")
    if member.flag_bits & 0x1:
        _damaged(file, f"{name!r} is encrypted")
    if member.compress_type not in METHODS:
        _damaged(file, f"{name!r} is compressed in a way other than deflate")
    if member.file_size > member.compress_size * DEFLATE_RATIO + SLACK:
        _refuse(
            file,
            f"{name!r} claims {member.file_size:,} bytes, which its {member.compress_size:,} "
            "compressed bytes cannot hold",
        )
    try:
        with archive.open(member) as stream:
            pickled = is_pickle(stream.read(3))
    except BROKEN as error:
        _damaged(file, f"{name!r}: {error}")
    if pickled:
        _refuse(file, f"{name!r} is a pickle, which can run code when read")


def _refuse(file: SourceFile, why: str) -> NoReturn:
    raise UnsafeError(
        f"this archive is refused: {why}",
        code="SAF042",
        position=file.at(),
        hint="only arrays of numbers are read, as numpy.savez writes them",
    )


def _damaged(file: SourceFile, why: str) -> NoReturn:
    raise DataError(
        f"this archive cannot be read: {why}",
        code="DAT245",
        position=file.at(),
        hint="numpy.savez writes archives that can be read",
    )
