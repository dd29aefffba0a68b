"""The native kernels: which build of them this processor can run, and the call into it.

The package's build makes one library for each instruction set that its compiler knows
(`rnnexp/kernels/native/*.c`); where there was no compiler there is none, and layers run on torch.
The environment variable RNNEXP_KERNELS names one of them, or what is to run instead (choice.py).
Shape letters: T time, B batch, I input, H hidden, G gates, N rows of all time steps (T * B, fewer
where sequences differ in length).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

__all__ = ["CELLS", "DTYPES", "GATES", "SAVED", "instruction_set", "run", "saved_size", "usable"]

CELLS = ("tanh", "relu", "lstm", "gru")
GATES = {"tanh": 1, "relu": 1, "lstm": 4, "gru": 3}
SAVED = {"tanh": 0, "relu": 0, "lstm": 5, "gru": 4}
"""numbers that the way back needs of every unit at every step"""
DTYPES = {torch.float32: "float32", torch.float64: "float64"}
VECTOR_BYTES = {"avx512": 64, "avx2": 32, "plain": 16}
"""the instruction sets, best first, and the bytes of a vector"""
CAPABILITIES = {"AVX512": ("avx512", "avx2", "plain"), "AVX2": ("avx2", "plain")}
ASKED = os.environ.get("RNNEXP_KERNELS")
"""what the user wants, asked for once: an instruction set, `bptt`, or any other name for neither"""
INTEGERS = ("cell", "T", "B", "I", "H", "reverse", "threads", "parallel")
POINTERS = (
    "rows", "offset", "x", "W_x", "W_h", "b_x", "b_h", "h_0", "c_0", "out", "h_n", "c_n", "saved",
    "dout", "dh_n", "dc_n", "dx", "dW_x", "dW_h", "db_x", "db_h", "dh_0", "dc_0",
)  # fmt: skip


SEQUENCE = ctypes.c_int64 * (len(INTEGERS) + len(POINTERS))
"""`sequence` of recurrence.h: numbers and addresses, all of 8 bytes"""

PARALLEL = ctypes.cast(getattr(ctypes.pythonapi, "GOMP_parallel", 0), ctypes.c_void_p).value or 0
"""what runs work in torch's own threads; 0 where torch has no OpenMP of that kind"""


@cache
def _file(name: str) -> Path | None:
    found = (Path(__file__).with_name(f"native_{name}{suffix}") for suffix in EXTENSION_SUFFIXES)
    return next((path for path in found if path.is_file()), None)


def _usable() -> tuple[str, ...]:
    capability = torch.backends.cpu.get_cpu_capability()
    return tuple(name for name in CAPABILITIES.get(capability, ("plain",)) if _file(name))


USABLE = _usable()


def usable() -> tuple[str, ...]:
    """The instruction sets that this processor has and that were built, best first."""
    return USABLE


def instruction_set() -> str | None:
    """The one that is used; None where there is none, or where RNNEXP_KERNELS forbids it."""
    if ASKED:
        return ASKED if ASKED in USABLE else None
    return USABLE[0] if USABLE else None


def saved_size(cell: str, hidden_size: int, dtype: torch.dtype) -> int:
    """Numbers to keep for the way back, of one row: H in whole vectors of every value saved."""
    name = instruction_set()
    lanes = VECTOR_BYTES[name] // dtype.itemsize if name else 1
    return SAVED[cell] * -(-hidden_size // lanes) * lanes


def run(
    way: str,
    cell: str,
    dtype: torch.dtype,
    sizes: tuple[int, ...],
    tensors: Iterable[Tensor | None],
) -> None:
    """Call `forward` or `backward` of recurrence.h; what it writes are tensors among `tensors`.

    sizes: T, B, I, H and whether it runs backwards in time. tensors: in the order of POINTERS, all
    contiguous; None, or left out at the end, for what is not there. The caller keeps them alive.

    Raises:
        MemoryError: the kernel found no room for its own buffers.
    """
    name = instruction_set()
    assert name is not None
    places = [0 if t is None else t.data_ptr() for t in tensors]
    sequence = SEQUENCE(CELLS.index(cell), *sizes, torch.get_num_threads(), PARALLEL, *places)
    if _function(name, way, dtype)(sequence):
        raise MemoryError("the recurrent kernel found no memory for its buffers")


@cache
def _function(name: str, way: str, dtype: torch.dtype) -> Any:
    return getattr(ctypes.CDLL(str(_file(name))), f"{way}_{DTYPES[dtype]}")
