"""Which examples of a JSONL file can be used: whole, of some length, aligned, finite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnexp.config.schema.data import Records
from rnnexp.data.records.example import Example
from rnnexp.data.records.field import Field, Read
from rnnexp.errors import DataError

__all__ = ["Row", "read_rows"]

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
