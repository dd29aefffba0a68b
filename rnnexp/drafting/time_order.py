"""What must hold before a table of time steps can be trained on: their order and their number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from shlex import quote

from rnnexp.drafting.field import Field
from rnnexp.drafting.time_columns import TimeColumns
from rnnexp.errors import DataError

__all__ = ["LEAST_ROWS", "check_length", "check_order"]

LEAST_ROWS = 20


def check_order(series: TimeColumns) -> None:
    """Refuse rows that do not go forward in time: the split would train on the future.

    Raises:
        DataError: dates run backwards, or stand several times.
    """
    time = series.time
    if time is None or time.moments is None or time.blanks:
        return
    for rows in series.groups.values():
        moments = series.moments(rows)
        back = next((i for i, (a, b) in enumerate(pairwise(moments), 1) if b < a), None)
        if back is not None:
            raise _backwards(series, rows, moments, back)
    repeated = len(set(series.moments(series.longest))) < len(series.longest)
    if repeated and series.id is None and _several_a_time(time):
        raise DataError(
            f"{time.name!r} has each date several times, and no column tells the series apart",
            code="DAT303",
            position=series.table.sample.at(series.table.lines[0]),
            key=time.name,
            hint="keep one row a date, or add a column that names the series of each row",
        )


def _several_a_time(time: Field) -> bool:
    return len(time.counts) * 2 <= len(time.present)


def _backwards(
    series: TimeColumns, rows: Sequence[int], moments: Sequence[datetime], back: int
) -> DataError:
    table, time = series.table, series.time
    assert time is not None
    reversed_ = list(moments) == sorted(moments, reverse=True)
    first, last = (time.values[rows[i]] for i in (0, -1))
    message = (
        f"the rows run from newest ({first!r}) to oldest ({last!r})"
        if reversed_
        else f"the rows are not in the order of time: {time.values[rows[back]]!r} comes after "
        f"{time.values[rows[back - 1]]!r}"
    )
    name = quote(table.sample.name)
    turned = f": (head -n 1 {name}; tail -n +2 {name} | tac) > sorted.csv turns them around"
    simple = reversed_ and series.id is None and table.kind == "csv" and not table.sample.packed
    return DataError(
        message,
        code="DAT118",
        position=table.sample.at(table.lines[rows[0 if reversed_ else back]]),
        key=time.name,
        hint="sort the rows by time, oldest first" + (turned if simple else ""),
    )


def check_length(series: TimeColumns) -> None:
    if series.shortest >= LEAST_ROWS:
        return
    what = f"{series.table.sample.name} has"
    hint = "more rows, older or finer ones"
    if series.id is not None:
        name = min(series.groups, key=lambda group: len(series.groups[group]))
        what = f"the shortest series, {name!r} of {series.id.name!r}, has"
        hint = "leave series as short as that out of the file"
    raise DataError(
        f"{what} {series.shortest:,} rows with a value; needs at least {LEAST_ROWS} to train, "
        "validate and test on",
        code="DAT304",
        position=series.table.sample.at(),
        hint=hint,
    )
