"""A safetensors file: its header is held against its bytes before the library decodes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from numpy.typing import NDArray

from rnnexp.data.arrays.npy import check_numbers
from rnnexp.data.sources.files import SourceFile
from rnnexp.errors import DataError

__all__ = ["SafetensorsFile"]

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
            _damaged(file, f"numpy has no numbers of the kind {error}; save float32")
        except (safetensors.SafetensorError, ValueError, TypeError) as error:
            _damaged(file, str(error))
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
            _damaged(file, "its header is not that of safetensors")
    if claimed != len(file.raw):
        _damaged(file, f"claims {claimed:,} bytes, file has {len(file.raw):,}")


def _damaged(file: SourceFile, why: str) -> NoReturn:
    raise DataError(
        f"this safetensors file cannot be read: {why}",
        code="DAT246",
        position=file.at(),
        hint="safetensors.numpy.save_file writes such files",
    )
