"""Named arrays out of a file whose kind is known by its content, never by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.config.nearest import nearest
from rnnexp.data.arrays.npy import MAGIC, read_npy
from rnnexp.data.arrays.npz import NpzFile
from rnnexp.data.arrays.safetensors_file import SafetensorsFile
from rnnexp.data.memory import check_memory
from rnnexp.data.sources.files import SourceFile
from rnnexp.errors import DataError, UnsafeError
from rnnexp.pickles import is_pickle

__all__ = ["open_arrays", "read_arrays"]

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
