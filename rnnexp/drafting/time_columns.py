"""The columns of a table of time steps by their role: time, series, value, and what is left."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.drafting.asked import Asked
from rnnexp.drafting.field import Field, called
from rnnexp.drafting.moments import step_of
from rnnexp.drafting.sides import TARGET_NAMES
from rnnexp.drafting.table import Table
from rnnexp.errors import CommandError, DataError

__all__ = [
    "VALUE_NAMES",
    "TimeColumns",
    "further_columns",
    "looks_like_a_series",
    "numbers_of",
    "time_columns",
]

VALUE_NAMES = ("value", "close", "target", "y")
ID_NAMES = (
    "id", "series", "symbol", "ticker", "store", "shop", "sensor", "station", "product", "item",
    "unit", "patient", "user", "name", "key", "group", "region", "city", "country", "site",
)  # fmt: skip


def looks_like_a_series(table: Table) -> bool:
    """Whether a row seems to be one time step: there are dates, or nothing but numbers."""
    if not numbers_of(table):
        return False
    first = table.fields[0]
    counted = first.is_counter and called(first, ("year", "time", "t", "step"))
    dated = any(field.kind == "date" for field in table.fields)
    return dated or counted or not (_texts_of(table) or _looks_wide(table))


def _looks_wide(table: Table) -> bool:
    """Whether a row of numbers seems to be an example with its answer: x1, x2, ... and a class."""
    names = [re.sub(r"\d+$", "", name) for name in table.names if name[-1:].isdigit()]
    answer = any(called(field, TARGET_NAMES) for field in table.fields[1:])
    return (
        len(names) - len(set(names)) > 1
        or answer
        or (len(table.fields) > 2 and table.fields[-1].is_class)
    )


@dataclass(frozen=True)
class TimeColumns:
    """The columns of a table by their role. time: dates, or a number that counts the rows."""

    table: Table
    time: Field | None
    id: Field | None
    value: tuple[Field, ...]

    @cached_property
    def groups(self) -> Mapping[Any, list[int]]:
        """The rows of each series, in the order of the file."""
        names = self.id.values if self.id else [None] * len(self.table.lines)
        rows: dict[Any, list[int]] = {}
        for row, name in enumerate(names):
            rows.setdefault(name, []).append(row)
        if self.id and not self.table.complete and len(rows) > 1:
            rows.popitem()  # its end was not looked at
        return rows

    @cached_property
    def longest(self) -> list[int]:
        return max(self.groups.values(), key=len)

    @cached_property
    def missing(self) -> int:
        """Rows that lack a value that is forecast."""
        return sum(None in row for row in zip(*(f.values for f in self.value), strict=True))

    @cached_property
    def shortest(self) -> int:
        """Complete rows of the shortest series; of a single long one, those of the whole file."""
        if self.id is None:
            return self.table.rows - self.missing
        return min(sum(self._complete(row) for row in rows) for rows in self.groups.values())

    def _complete(self, row: int) -> bool:
        return all(field.values[row] is not None for field in self.value)

    @cached_property
    def step(self) -> str | None:
        moments = self.moments(self.longest)
        return step_of(moments) if moments else None

    def moments(self, rows: Sequence[int]) -> list[datetime]:
        if self.time is None or self.time.moments is None or self.time.blanks:
            return []
        return [self.time.moments[row] for row in rows]

    def numbers(self, rows: Sequence[int]) -> NDArray[np.float64]:
        """(S,) the first column that is forecast, blanks filled in by a line between neighbours."""
        values = [self.value[0].values[row] for row in rows]
        there = [place for place, value in enumerate(values) if value is not None]
        known = np.array([values[place] for place in there], dtype=np.float64)
        return np.asarray(np.interp(np.arange(len(values)), there, known), dtype=np.float64)


def numbers_of(table: Table) -> list[Field]:
    return [field for field in table.fields if field.kind == "number"]


def _texts_of(table: Table) -> list[Field]:
    return [field for field in table.fields if field.kind in ("label", "truth", "text")]


def time_columns(table: Table, asked: Asked) -> TimeColumns:
    time = next((field for field in table.fields if field.kind == "date"), None)
    if time is None:
        time = next(
            (f for f in numbers_of(table) if f.is_counter and f.name not in asked.value), None
        )
    own = _id_of(table, time, asked)
    return TimeColumns(table, time, own, _value_of(table, time, own, asked))


def _value_of(
    table: Table, time: Field | None, own: Field | None, asked: Asked
) -> tuple[Field, ...]:
    numbers = [field for field in numbers_of(table) if field not in (time, own)]
    if asked.value:
        for name in asked.value:
            if table.field(name).kind != "number":
                raise CommandError(
                    "this column does not hold numbers",
                    code="CMD132",
                    key="--value",
                    value=name,
                    allowed=", ".join(field.name for field in numbers),
                )
        return tuple(table.field(name) for name in asked.value)
    free = [f for f in numbers if f.name not in asked.inputs and len(f.counts) > 1]
    if not free:
        raise DataError(
            f"{table.sample.name} has no column of numbers that change, so there is nothing to "
            "forecast",
            code="DAT302",
            hint=f"it holds {', '.join(f'{f.name} ({f.words})' for f in table.fields[:10])}",
        )
    named = (field for field in free if called(field, VALUE_NAMES))
    return (next(named, free[0]),)


def _id_of(table: Table, time: Field | None, asked: Asked) -> Field | None:
    """The column that tells series apart: with it every point of time stands once a series."""
    if time is None or len(time.counts) == len(time.present):
        return None
    taken = (*asked.value, *asked.inputs)
    candidates = [
        f for f in table.fields
        if f is not time and f.name not in taken and not f.blanks
        and (f.kind in ("label", "text", "truth") or (f.kind == "number" and f.whole))
    ]  # fmt: skip
    fitting = [field for field in candidates if _tells_apart(field, time)]
    named = [field for field in fitting if called(field, ID_NAMES)]
    texts = [field for field in fitting if field.kind != "number"]
    return next(iter([*named, *texts]), None)


def _tells_apart(field: Field, time: Field) -> bool:
    pairs = Counter(zip(field.values, time.values, strict=True))
    return max(pairs.values()) == 1 and len(field.counts) <= len(field.present) // 3


def further_columns(series: TimeColumns, asked: Asked) -> list[Field]:
    """Columns that could be read beside the value: numbers without blanks, and categories."""
    taken = [series.time, series.id, *series.value]
    if asked.inputs:
        return [series.table.field(name) for name in asked.inputs]
    return [
        f for f in series.table.fields
        if f not in taken and f.kind in ("number", "label", "truth") and len(f.counts) > 1
        and not f.blanks and not f.is_counter
    ]  # fmt: skip
