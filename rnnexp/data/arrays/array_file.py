"""Named arrays out of a file whose kind is known by its content, never by its name."""

from __future__ import annotations

import io
import json
import math
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.data.memory import check_memory
from rnnexp.data.reading_files import SourceFile
from rnnexp.errors import DataError, Position, UnsafeError, nearest
from rnnexp.reading import is_pickle

__all__ = ["MAGIC", "check_claim", "open_arrays", "read_arrays"]


# One array in numpy's .npy form, believed only after its size was held against its bytes.

MAGIC = b"\x93NUMPY"
KINDS = {
    "c": "complex numbers",
    "S": "bytes",
    "U": "text",
    "M": "dates",
    "m": "spans of time",
    "V": "records of several fields",
}


def read_npy(position: Position, name: str, raw: bytes) -> NDArray[Any]:
    """The array that the bytes hold; `name` is what messages call it.

    Raises:
        DataError: no .npy, of something other than numbers, or with more or fewer bytes than its
            header claims.
        UnsafeError: an array of Python objects, which are a pickle.
    """
    shape, fortran, dtype, start = _header(position, name, raw)
    if dtype.hasobject:
        raise UnsafeError(
            f"{name} holds Python objects, a pickle, which can run code when read",
            code="SAF041",
            position=position,
            hint="save arrays of numbers, all examples padded to one length",
        )
    check_numbers(position, name, dtype)
    check_claim(position, name, shape, dtype, len(raw), start)
    flat = np.frombuffer(raw, dtype, offset=start)
    return flat.reshape(shape, order="F" if fortran else "C")


def _header(
    position: Position, name: str, raw: bytes
) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, whether the first axis runs fastest, kind of number, and where the numbers begin."""
    stream = io.BytesIO(raw)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # headers as Python 2 wrote them
            version = npy.read_magic(stream)
            reader = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
            shape, fortran, dtype = reader[version](stream)
    except (ValueError, KeyError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        reason = f"version {error} is not known" if isinstance(error, KeyError) else "damaged"
        raise DataError(
            f"{name} is not an array that can be read: its header is {reason}",
            code="DAT242",
            position=position,
        ) from None
    return shape, fortran, dtype, stream.tell()


def check_numbers(position: Position, name: str, dtype: np.dtype[Any]) -> None:
    """Refuse what is not a real number.

    Raises:
        DataError: complex numbers, text, dates, records.
    """
    if dtype.kind not in "biuf":
        what = KINDS.get(dtype.kind, "something else")
        raise DataError(
            f"{name} holds {what} ({dtype}), not numbers",
            code="DAT243",
            position=position,
            value=str(dtype),
            allowed="whole or decimal numbers, or true/false",
            hint="number the classes from 0" if dtype.kind in "SU" else None,
        )


def check_claim(  # noqa: PLR0917
    position: Position,
    name: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    there_are: int,
    header: int,
) -> None:
    """Hold the size that a header claims against the bytes that there are, header included.

    Raises:
        DataError: they differ.
    """
    claimed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or header + claimed != there_are:
        raise DataError(
            f"{name} of shape {shape} claims {claimed:,} bytes, file has {there_are:,} "
            f"({min(header, there_are):,} of them header)",
            code="DAT244",
            position=position,
            hint="the file is cut short or damaged; write it again",
        )


# A .npz file, a zip archive of .npy arrays: nothing is unpacked before its size is known.

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


# A safetensors file: its header is held against its bytes before the library decodes it.

LENGTH = 8  # bytes that say how long the header is


@dataclass(frozen=True)
class SafetensorsFile:
    """The arrays of a file by name."""

    file: SourceFile
    arrays: dict[str, NDArray[Any]]

    @classmethod
    def open(cls, file: SourceFile) -> SafetensorsFile:
        """Decode every array.

        Raises:
            DataError: more or fewer bytes than the header claims, a damaged header, or a kind of
                number that numpy does not know (bfloat16).
        """
        import safetensors
        import safetensors.numpy

        _check_claim(file)
        try:
            arrays = safetensors.numpy.load(file.raw)
        except KeyError as error:
            _safetensors_file_damaged(
                file, f"numpy has no numbers of the kind {error}; save float32"
            )
        except (safetensors.SafetensorError, ValueError, TypeError) as error:
            _safetensors_file_damaged(file, str(error))
        return cls(file, arrays)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.arrays)

    def bytes_of(self, name: str) -> int:
        return int(self.arrays[name].nbytes)

    def read(self, name: str) -> NDArray[Any]:
        """One array.

        Raises:
            DataError: it holds something other than real numbers.
        """
        check_numbers(self.file.at(), f"array {name!r}", self.arrays[name].dtype)
        return self.arrays[name]


def _check_claim(file: SourceFile) -> None:
    header = LENGTH + int.from_bytes(file.raw[:LENGTH], "little")
    claimed = header
    if header <= len(file.raw):
        try:
            entries = json.loads(file.raw[LENGTH:header]).items()
            ends = [each["data_offsets"][1] for name, each in entries if name != "__metadata__"]
            claimed += max(ends, default=0)
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
            _safetensors_file_damaged(file, "its header is not that of safetensors")
    if claimed != len(file.raw):
        _safetensors_file_damaged(file, f"claims {claimed:,} bytes, file has {len(file.raw):,}")


def _safetensors_file_damaged(file: SourceFile, why: str) -> NoReturn:
    raise DataError(
        f"this safetensors file cannot be read: {why}",
        code="DAT246",
        position=file.at(),
        hint="safetensors.numpy.save_file writes such files",
    )


# Named arrays out of a file whose kind is known by its content, never by its name.

# The bytes of an array, its numbers as float64 while they are scaled, and as float32.
MEMORY_PER_BYTE = 4


def read_arrays(
    config: Config, file: SourceFile, wanted: Mapping[str, str]
) -> dict[str, NDArray[Any]]:
    """The arrays that the config names: `wanted` and the result go by the key that names them.

    Raises:
        DataError: no such array, or one that cannot be read.
        UnsafeError: a pickle.
        MemoryExceededError: the arrays would not fit in memory.
    """
    arrays = open_arrays(file)
    for key, name in wanted.items():
        if name not in arrays.names:
            raise DataError(
                f"{file.name} has no array {name!r}",
                code="DAT247",
                position=config.where(key),
                key=key,
                value=name,
                allowed=", ".join(map(repr, arrays.names[:20])) or "nothing: it is empty",
                suggestion=nearest(name, arrays.names),
            )
    needed = sum(map(arrays.bytes_of, wanted.values())) * MEMORY_PER_BYTE
    check_memory(needed, f"the arrays of {file.name}", config.where("data.path"), "data.path")
    return {key: arrays.read(name) for key, name in wanted.items()}


def open_arrays(file: SourceFile) -> NpzFile | SafetensorsFile:
    """The arrays of a file by name, each read when it is asked for.

    Raises:
        DataError: it is neither .npz nor safetensors, or damaged.
        UnsafeError: a pickle.
    """
    raw = file.raw
    if is_pickle(raw):
        raise UnsafeError(
            f"{file.name} is a pickle, which can run code when read",
            code="SAF041",
            position=file.at(),
            hint="numpy.savez and safetensors.numpy.save_file write files that are safe to read",
        )
    if raw[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return NpzFile.open(file)
    if raw[8:9] == b"{":
        return SafetensorsFile.open(file)
    if raw.startswith(MAGIC):
        read_npy(file.at(), "the array", raw)
    what = "a single .npy array" if raw.startswith(MAGIC) else f"bytes {raw[:4].hex(' ') or 'none'}"
    raise DataError(
        f"neither .npz nor safetensors, by its content: {what}",
        code="DAT248",
        position=file.at(),
        key="data.path",
        hint="numpy.savez(file, inputs=..., target=...) writes both arrays into one file",
    )
