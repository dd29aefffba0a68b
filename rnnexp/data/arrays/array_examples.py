"""From two arrays that fit each other to the examples in their rows.

Shape letters: N examples, T steps, F features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.compatibility import target_of
from rnnexp.config.config import Config
from rnnexp.config.data_settings import Npz
from rnnexp.data.dataset import Ints
from rnnexp.data.reading_files import SourceFile
from rnnexp.data.records.examples import Example
from rnnexp.errors import DataError, Position

__all__ = ["examples_of"]


# One side of the examples in an array: what its axes and numbers must be.

# unit, whether it has steps -> the axes that an array may have
AXES = {
    ("number", True): ("(N, T)", "(N, T, features)"),
    ("number", False): ("(N,)", "(N, features)"),
    ("id", True): ("(N, T)",),
    ("id", False): ("(N,)",),
}


@dataclass(frozen=True)
class Side:
    """Inputs or targets: the key that names their array, its name, unit, and if it has steps."""

    key: str
    name: str
    unit: Literal["number", "id"]
    many: bool

    def read(self, file: SourceFile, array: NDArray[Any]) -> NDArray[Any]:
        """Numbers (N, T, F) or (N, F) of whatever precision, or ids (N, T) or (N,) as int64.

        Raises:
            DataError: other axes, or ids that are no whole numbers.
        """
        axes = AXES[self.unit, self.many]
        least = 2 if self.many else 1
        if not least <= array.ndim < least + len(axes):
            self._refuse_axes(file, array)
        if 0 in array.shape:
            self.fail(file, f"of shape {array.shape} is empty: 0 examples", code="DAT105")
        if self.unit == "number":
            if array.dtype.itemsize < 4:  # true/false, and half precision, whose sums overflow
                array = array.astype(np.float32)
            return array[..., None] if array.ndim == least else array
        if array.dtype.kind == "f":
            hint = "save whole numbers, as with array.astype(int)"
            self.fail(file, f"holds {array.dtype}; ids are whole numbers", code="DAT243", hint=hint)
        if array.dtype.kind == "u" and array.max() > np.iinfo(np.int64).max:
            self.fail(file, f"holds {array.max()}: no id is that large", code="DAT132")
        return array.astype(np.int64)

    def _refuse_axes(self, file: SourceFile, array: NDArray[Any]) -> NoReturn:
        hint, last = None, array.shape[-1] if array.ndim else 0
        if self.unit == "id" and self.key == "data.target" and array.ndim > 1:
            save = "array[..., 0]" if last == 1 else "array.argmax(-1)"
            hint = f"classes are one number each: save {save}"
        elif self.unit == "id" and self.key == "data.inputs":
            hint = "data.unit: number reads features"
        elif not self.many and self.key == "data.inputs":
            hint = "save one vector an example: array.reshape(len(array), -1)"
        elif self.many and array.ndim == 1:
            hint = "one answer a sequence is task.kind: many_to_one" if "target" in self.key else (
                "one sequence is cut into windows by source: csv")  # fmt: skip
        allowed = " or ".join(AXES[self.unit, self.many])
        self.fail(
            file, f"has shape {array.shape}", code="DAT261", hint=hint, allowed=allowed,
        )  # fmt: skip

    def fail(self, file: SourceFile, message: str, code: str, **fields: Any) -> NoReturn:
        """Raise a DataError about this array."""
        raise DataError(
            f"array {self.name!r} {message}", code=code, position=file.at(), key=self.key, **fields
        )


def sides_of(config: Config, data: Npz) -> tuple[Side, Side]:
    """Inputs and targets as config and task have them."""
    shape = config.experiment.task.kind
    regression = target_of(config.experiment) == "regression"
    unit = data.target_unit or ("number" if regression else "id")
    return (
        Side("data.inputs", data.inputs, data.unit, many=shape != "one_to_many"),
        Side("data.target", data.target, unit, many=shape != "many_to_one"),
    )


def lengths_of(data: Npz, file: SourceFile, array: NDArray[Any], count: int, steps: int) -> Ints:
    """Valid steps (N,) of each sequence, 0..T.

    Raises:
        DataError: not one whole number an example, or one out of range.
    """
    assert data.lengths is not None
    side = Side("data.lengths", data.lengths, "id", many=False)
    lengths = side.read(file, array)
    if len(lengths) != count:
        side.fail(file, f"has {len(lengths):,} lengths for {count:,} examples", code="DAT262")
    wrong = np.flatnonzero((lengths < 0) | (lengths > steps))
    if len(wrong):
        at = int(wrong[0])
        side.fail(
            file, f"at [{at}]: {lengths[at]} steps, but the sequences have {steps}", code="DAT262",
            value=int(lengths[at]), allowed=f"1..{steps}",
        )  # fmt: skip
    return lengths


# From two arrays that fit each other to the examples in their rows.

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
