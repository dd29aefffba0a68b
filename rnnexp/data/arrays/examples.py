"""From two arrays that fit each other to the examples in their rows.

Shape letters: N examples, T steps, F features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.config.schema.data import Npz
from rnnexp.data.arrays.side import Side, lengths_of, sides_of
from rnnexp.data.dataset import Ints
from rnnexp.data.records.example import Example
from rnnexp.data.sources.files import SourceFile
from rnnexp.errors import DataError, Position

__all__ = ["ArrayExample", "examples_of"]

Sides = tuple[Side, Side]
Pair = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True)
class ArrayExample(Example):
    """One row of the arrays of a file; `line` is its index, from 0."""

    @property
    def position(self) -> Position:
        return Position(f"{self.file}[{self.line}]")

    @property
    def place(self) -> str:
        return f"[{self.line}]"


def examples_of(
    config: Config, data: Npz, file: SourceFile, arrays: Mapping[str, NDArray[Any]]
) -> list[Example]:
    """Hold the arrays of a file, by the keys that name them, against the task and each other.

    Raises:
        DataError: shapes or kinds of number that do not fit.
    """
    sides = sides_of(config, data)
    pair = sides[0].read(file, arrays["data.inputs"]), sides[1].read(file, arrays["data.target"])
    _check_aligned(file, sides, pair)
    count, steps = len(pair[0]), pair[0 if sides[0].many else 1].shape[1]
    lengths = np.full(count, steps)
    if data.lengths is not None:
        lengths = lengths_of(data, file, arrays["data.lengths"], count, steps)
    rows = ([_row(sides[k], pair[k], row, lengths) for k in (0, 1)] for row in range(count))
    return [ArrayExample(file.name, row, *values) for row, values in enumerate(rows)]


def _row(side: Side, array: NDArray[Any], row: int, lengths: Ints) -> NDArray[Any]:
    """Numbers (T, F) or ids (T,) of one example without its padding; T is 1 without steps."""
    return array[row, : lengths[row]] if side.many else array[row : row + 1]


def _check_aligned(file: SourceFile, sides: Sides, pair: Pair) -> None:
    """As many targets as inputs, and with steps on both sides as many of those."""
    axes = 2 if sides[0].many and sides[1].many else 1
    inputs, target = (array.shape[:axes] for array in pair)
    if inputs == target:
        return
    axis = 0 if inputs[0] != target[0] else 1
    what = ("examples", "steps")[axis]
    raise DataError(
        f"array {sides[0].name!r} has {inputs[axis]:,} {what} and {sides[1].name!r} "
        f"{target[axis]:,}",
        code="DAT263",
        position=file.at(),
        key=sides[1].key,
        hint="many_to_many needs one target per step" if axis else "the first axis counts examples",
    )
