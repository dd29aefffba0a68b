"""One array in numpy's .npy form, believed only after its size was held against its bytes."""

from __future__ import annotations

import io
import math
import warnings
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from rnnexp.errors import DataError, Position, UnsafeError

__all__ = ["MAGIC", "check_claim", "check_numbers", "read_npy"]

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
