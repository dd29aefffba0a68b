"""Which examples of a JSONL file can be used: whole, of some length, aligned, finite.

Shape letters: T steps, F features.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.data_settings import Records, Unit
from rnnexp.data.units import plain_units
from rnnexp.errors import DataError, Position

__all__ = ["Example", "Field", "Read", "Row", "digest", "read_rows"]


# One example of a file: its input and its target as they were read, and where they stand.


@dataclass(frozen=True)
class Example:
    """An input and a target as JSON has them: a number, text, true or false, or lists of those.

    Or as arrays, numbers (T, F) or ids (T,), that were checked as a whole. line: where it stands
    in `file`, from 1.
    """

    file: str
    line: int
    inputs: Any
    target: Any

    @property
    def position(self) -> Position:
        return Position(self.file, self.line)

    @property
    def place(self) -> str:
        """Where it stands in its file, in words."""
        return f"line {self.line}"

    def fingerprint(self) -> bytes:
        """Equal for equal input and target, whatever the line looks like."""
        return digest(self.inputs, self.target)


def digest(*values: Any) -> bytes:
    """Equal for equal values, arrays among them."""
    found = hashlib.blake2b(digest_size=16)
    for value in values:
        array = isinstance(value, np.ndarray)
        found.update(f"{value.shape} ".encode() if array else f"{value!r} ".encode())
        found.update(np.ascontiguousarray(value).data if array else b"")
    return found.digest()


# Reading one JSON value as numbers, ids or pieces of text, each complaint with its line and key.

Read = NDArray[np.float64] | NDArray[np.int64] | list[str]

NAMES = {
    bool: "true/false",
    str: "text",
    int: "a whole number",
    float: "a decimal number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}
LARGEST_ID = 2**31


@dataclass(frozen=True)
class Field:
    """One side of the examples: the key it stands under, its unit, and whether it has steps.

    closed: its sequences end with an end token. lowercase: units are looked up in lower case.
    """

    side: Literal["inputs", "target"]
    key: str
    unit: Unit
    many: bool
    closed: bool = False
    lowercase: bool = False

    def folded(self, units: list[str]) -> list[str]:
        """The units as the vocabulary knows them."""
        return [unit.lower() for unit in units] if self.lowercase else units

    def read(self, example: Example) -> Read:
        """Numbers (T, F), ids (T,) or a list of T texts; T is 1 where there are no steps.

        JSON null among numbers reads as NaN; arrays are read as they are.

        Raises:
            DataError: the value is something else.
        """
        value = getattr(example, self.side)
        if isinstance(value, np.ndarray):
            return value
        if self.unit == "number":
            return self._numbers(example, value)
        if self.unit == "id":
            return self._ids(example, value)
        texts = (
            self._labels(example, value) if self.unit == "label" else self._pieces(example, value)
        )
        self._check_unicode(example, texts)
        return texts

    def text(self, example: Example, value: Read) -> str:
        """The text that was read, as it stands in the file; labels with spaces between them."""
        written = getattr(example, self.side)
        return written if isinstance(written, str) else " ".join(map(str, value))

    def _numbers(self, example: Example, value: Any) -> NDArray[np.float64]:
        steps = self._steps(example, value)
        vectors = bool(steps) and type(steps[0]) is list
        width = len(steps[0]) if vectors else 1
        if vectors:
            self._check_width(example, steps, width)
        numbers = [x for step in steps for x in step] if vectors else steps
        if not set(map(type, numbers)) <= {int, float, type(None)}:
            wrong = next(x for x in numbers if type(x) not in (int, float, type(None)))
            self._expected(example, "a number", wrong)
        try:
            return np.array(numbers, dtype=np.float64).reshape(len(steps), width)
        except OverflowError:
            self._fail(example, "a number is too large for float32 (at most 3.4e38)", code="DAT116")

    def _check_width(self, example: Example, steps: list[Any], width: int) -> None:
        if not width:
            self._fail(example, "0 features at step 1", code="DAT124")
        for t, step in enumerate(steps, start=1):
            if type(step) is not list or len(step) != width:
                got = f"{len(step)} features" if type(step) is list else "no list"
                self._fail(example, f"{got} at step {t}, {width} features at step 1", code="DAT124")

    def _ids(self, example: Example, value: Any) -> NDArray[np.int64]:
        steps = self._steps(example, value)
        for step in steps:
            if type(step) is not int:
                self._expected(example, "a whole number", step)
            if abs(step) >= LARGEST_ID:
                self._fail(example, "no id is that large", code="DAT132", value=step)
        return np.array(steps, dtype=np.int64)

    def _labels(self, example: Example, value: Any) -> list[str]:
        steps = self._steps(example, value)
        for step in steps:
            if type(step) not in (str, int, bool):
                self._expected(example, "a label (text, a whole number or true/false)", step)
        return [str(step).lower() if type(step) is bool else str(step) for step in steps]

    def _pieces(self, example: Example, value: Any) -> list[str]:
        if type(value) is not str:
            self._expected(example, "text", value)
        if self.unit == "bpe":  # whole, until the byte pairs of the training part are known
            return [value] if value else []
        pieces = plain_units(self.unit).split(value)
        if not self.many and len(pieces) != 1:
            self._fail(example, f"expected one {self.unit}, got {len(pieces)}", value=value)
        return pieces

    def _steps(self, example: Example, value: Any) -> list[Any]:
        if not self.many:
            return [value]
        if type(value) is not list:
            what = {"number": "numbers", "id": "token ids"}.get(self.unit, "labels")
            self._expected(example, f"a list of {what}", value)
        steps: list[Any] = value
        return steps

    def _check_unicode(self, example: Example, texts: list[str]) -> None:
        """JSON can spell half of a surrogate pair, which no file could be written with."""
        try:
            "".join(texts).encode()
        except UnicodeEncodeError:
            self._fail(example, "text with half of a surrogate pair, which is no character")

    def _expected(self, example: Example, expected: str, got: Any) -> NoReturn:
        hint = None
        if isinstance(got, str) and self.unit in ("number", "id"):
            reads = "label, character or word reads text"
            hint = f"data.unit: {reads}"
            if self.side == "target":
                hint = f"for classes, task.target: classification; data.target_unit: {reads}"
        key = "data.target_unit" if self.side == "target" else "data.unit"
        if isinstance(got, list) and self.unit in ("character", "word", "bpe"):
            hint = f"a list of tokens is {key}: label; {self.unit} splits one text"
        elif isinstance(got, str) and self.unit == "label":
            hint = f"one text that is to be split is {key}: word, or character"
        self._fail(example, f"expected {expected}, got {NAMES[type(got)]}", value=got, hint=hint)

    def _fail(
        self, example: Example, message: str, code: str = "DAT123", **fields: Any
    ) -> NoReturn:
        raise DataError(
            f"{self.key!r}: {message}", code=code, position=example.position, key=self.key, **fields
        )


# Which examples of a JSONL file can be used: whole, of some length, aligned, finite.

LARGEST = float(np.finfo(np.float32).max)
Fields = tuple[Field, Field]


@dataclass(frozen=True)
class Row:
    """The input and the target of one example, read but not yet encoded."""

    example: Example
    values: tuple[Read, Read]
    fingerprint: bytes


def read_rows(data: Records, fields: Fields, examples: Sequence[Example]) -> list[Row]:
    """Read every example; leave out those that the config says to drop.

    Raises:
        DataError: a value of another kind, an empty or unaligned sequence, a number that is not
            finite or overflows float32.
    """
    rows = []
    for example in examples:
        inputs, target = (field.read(example) for field in fields)
        if _is_empty(data, fields, example, (inputs, target)):
            continue
        _check_aligned(fields, example, (inputs, target))
        if data.max_length is not None:
            inputs, target = _shortened(fields, (inputs, target), data.max_length)
        rows.append(Row(example, (inputs, target), example.fingerprint()))
    finite = [row for row in rows if not _not_finite(fields, row)]
    if len(finite) < len(rows) and data.nan == "error":
        raise _missing(fields, rows)
    for row in finite:
        _check_float32(fields, row)
    return finite


def _is_empty(data: Records, fields: Fields, example: Example, values: tuple[Read, Read]) -> bool:
    for field, value in zip(fields, values, strict=True):
        if len(value):
            continue
        if data.empty == "error":
            raise DataError(
                f"{field.key!r} has length 0",
                code="DAT126",
                position=example.position,
                key=field.key,
                hint="data.empty: drop leaves such examples out",
            )
        return True
    return False


def _check_aligned(fields: Fields, example: Example, values: tuple[Read, Read]) -> None:
    """Many-to-many: one target per input step, unless a delayed target closes itself."""
    (inputs, target), steps = fields, [len(value) for value in values]
    aligned = inputs.many and target.many and not target.closed
    if aligned and steps[0] != steps[1]:
        raise DataError(
            f"{inputs.key!r} has {steps[0]} steps and {target.key!r} {steps[1]}; many_to_many "
            "needs one target per step",
            code="DAT125",
            position=example.position,
            key=target.key,
            hint="a sequence of its own length is task.alignment: delayed",
        )


def _shortened(fields: Fields, values: tuple[Read, Read], most: int) -> tuple[Read, Read]:
    """The first steps of the input, and of a target that has one answer per step."""
    inputs, target = values
    aligned = fields[0].many and fields[1].many and not fields[1].closed
    return inputs[:most], target[:most] if aligned else target


def _not_finite(fields: Fields, row: Row) -> list[tuple[Field, int]]:
    """Where the numbers of an example are null, NaN or infinite: side and step, from 1."""
    return [
        (field, int(step) + 1)
        for field, value in zip(fields, row.values, strict=True)
        if isinstance(value, np.ndarray) and not np.isfinite(value).all()
        for step in np.nonzero(~np.isfinite(value))[0]
    ]


def _missing(fields: Fields, rows: list[Row]) -> DataError:
    places = [(row, *place) for row in rows for place in _not_finite(fields, row)]
    first = [
        f"{row.example.place}, {field.key!r}" + (f" step {step}" if field.many else "")
        for row, field, step in places[:3]
    ]
    count = f"{len(places):,} values are" if len(places) > 1 else "1 value is"
    more = f" and {len(places) - 3:,} more" if len(places) > 3 else ""
    return DataError(
        f"{count} null, NaN or infinite: {'; '.join(first)}{more}",
        code="DAT113",
        position=places[0][0].example.position,
        key="data.nan",
        value="error",
        allowed="error, drop",
        hint="data.nan: drop leaves those examples out",
    )


def _check_float32(fields: Fields, row: Row) -> None:
    for field, value in zip(fields, row.values, strict=True):
        if field.unit == "number" and np.abs(np.asarray(value)).max() > LARGEST:
            raise DataError(
                f"{field.key!r}: a number is too large for float32 (at most 3.4e38)",
                code="DAT116",
                position=row.example.position,
                key=field.key,
            )
