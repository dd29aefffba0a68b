"""A table of time steps: which column is forecast, what tells series apart, season and window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.drafting.asked import Asked
from rnnexp.drafting.draft import Choice, Draft, Key, offer
from rnnexp.drafting.field import Field, called
from rnnexp.drafting.first_model import Start, forecaster
from rnnexp.drafting.moments import calendar_seasons, step_of
from rnnexp.drafting.season import season_of
from rnnexp.drafting.table import Table
from rnnexp.errors import CommandError, DataError

__all__ = ["draft_series", "looks_like_a_series"]

LEAST_ROWS = 20
LONGEST_WINDOW = 64
VALUE_NAMES = ("value", "close", "price", "target", "y", "sales", "count", "demand", "total")
ID_NAMES = (
    "id", "series", "symbol", "ticker", "store", "shop", "sensor", "station", "product", "item",
    "unit", "patient", "user", "name", "key", "group", "region", "city", "country", "site",
)  # fmt: skip
TRAIN = 0.7


def looks_like_a_series(table: Table) -> bool:
    """Whether a row seems to be one time step: there are dates, or nothing but numbers."""
    if not any(field.kind == "number" for field in table.fields):
        return False
    dated = any(field.kind == "date" for field in table.fields)
    counted = table.fields[0].is_counter and called(table.fields[0], ("year", "time", "t", "step"))
    return dated or counted or (len(_numbers(table)) == 1 and not _texts(table))


@dataclass(frozen=True)
class _Series:
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
        """(S,) the first column that is forecast, blanks left out."""
        values = (self.value[0].values[row] for row in rows)
        return np.array([value for value in values if value is not None], dtype=np.float64)


def draft_series(table: Table, asked: Asked, path: str) -> Draft:
    """A forecaster of a column; `path` is the file as the config is to name it.

    Raises:
        CommandError: an option that does not fit this table.
        DataError: rows that are not in the order of time, or too few of them.
    """
    asked.check_task("a time series", ("many_to_one", "many_to_many"))
    series = _roles(table, asked)
    _check_order(series)
    _check_length(series)
    window, season = _window(series)
    examples = int(TRAIN * table.rows)
    model, training = forecaster(Start(examples, window))
    further = _further(series, asked)
    many = asked.task == "many_to_many"
    value = ", ".join(field.name for field in series.value)
    return Draft(
        title=f"Forecasts {value} of {table.sample.name}, one step ahead.",
        found=_found(series),
        data=_data_keys(series, path, window, season, further, asked),
        task=_task_keys(many),
        model=model,
        training=training,
        baselines=_baselines(season is not None),
        choices=tuple(_choices(series, season, further, asked)),
        after=_after(table, further, asked),
    )


# -- the roles of columns --------------------------------------------------------------------------


def _numbers(table: Table) -> list[Field]:
    return [field for field in table.fields if field.kind == "number"]


def _texts(table: Table) -> list[Field]:
    return [field for field in table.fields if field.kind in ("label", "truth", "text")]


def _roles(table: Table, asked: Asked) -> _Series:
    time = next((field for field in table.fields if field.kind == "date"), None)
    if time is None:
        time = next(
            (f for f in _numbers(table) if f.is_counter and f.name not in asked.value), None
        )
    own = _id_of(table, time, asked)
    return _Series(table, time, own, _value_of(table, time, own, asked))


def _value_of(
    table: Table, time: Field | None, own: Field | None, asked: Asked
) -> tuple[Field, ...]:
    numbers = [field for field in _numbers(table) if field not in (time, own)]
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
            hint="--target COLUMN predicts a column of labels, row by row",
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


def _further(series: _Series, asked: Asked) -> list[Field]:
    """Columns that could be read beside the value: numbers without blanks, and categories."""
    taken = [series.time, series.id, *series.value]
    if asked.inputs:
        return [series.table.field(name) for name in asked.inputs]
    return [
        f for f in series.table.fields
        if f not in taken and f.kind in ("number", "label", "truth") and len(f.counts) > 1
        and not f.blanks and not f.is_counter
    ]  # fmt: skip


# -- what must hold --------------------------------------------------------------------------------


def _check_order(series: _Series) -> None:
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
    series: _Series, rows: Sequence[int], moments: Sequence[datetime], back: int
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
    name = table.sample.name
    turned = f": (head -n 1 {name}; tail -n +2 {name} | tac) > sorted.csv turns them around"
    simple = reversed_ and series.id is None and table.kind == "csv" and not table.sample.packed
    return DataError(
        message,
        code="DAT118",
        position=table.sample.at(table.lines[rows[0 if reversed_ else back]]),
        key=time.name,
        hint="sort the rows by time, oldest first" + (turned if simple else ""),
    )


def _check_length(series: _Series) -> None:
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


# -- window, season, scale -------------------------------------------------------------------------


def _window(series: _Series) -> tuple[int, tuple[int, float] | None]:
    """How many steps are read for a forecast, and the season with its autocorrelation."""
    train = int(TRAIN * series.shortest)
    season = season_of(series.numbers(series.longest), calendar_seasons(series.step))
    if season is not None and season[0] > train:
        season = None
    window = season[0] if season and season[0] <= LONGEST_WINDOW else 32
    return max(3, min(window, train // 4)), season


def _grows(values_S: NDArray[np.float64]) -> bool:
    """Whether the swings of a positive series grow with its level: its logarithm is steadier."""
    if len(values_S) < LEAST_ROWS or values_S.min() <= 0:
        return False
    early, late = np.array_split(values_S, 2)
    return bool(late.mean() > 1.5 * early.mean() and _swing(late) > 1.3 * _swing(early))


def _swing(values_S: NDArray[np.float64]) -> float:
    return float(np.abs(np.diff(values_S)).mean())


# -- the words of the config -----------------------------------------------------------------------


def _data_keys(  # noqa: PLR0917
    series: _Series,
    path: str,
    window: int,
    season: tuple[int, float] | None,
    further: list[Field],
    asked: Asked,
) -> tuple[Key, ...]:
    table = series.table
    names = [field.name for field in series.value]
    keys = [
        Key("source", table.kind, "a row is one time step"),
        Key("path", path, "relative to this file"),
        Key("value", names[0] if len(names) == 1 else names, "what is forecast"),
    ]
    others = [f for f in _numbers(table) if f not in (series.time, series.id, *series.value)]
    keys += [offer("value", field.name, field.words) for field in others[:5]]
    if series.id:
        many = f"{len(series.groups)} series, each split and cut by itself"
        keys.append(Key("id", series.id.name, many))
    keys += _input_keys(further, asked)
    if blanks := _blank_rows(series, asked):
        keys.append(Key("nan", "drop", f"{blanks:,} rows without a value are left out"))
    keys += [Key("window", window, _window_reason(series, window, season)), *_season_keys(season)]
    keys.append(offer("horizon", 7, "how far ahead; 1 where it is left out"))
    keys += _log_keys(series, asked)
    return tuple(keys)


def _blank_rows(series: _Series, asked: Asked) -> int:
    read = [*series.value]
    read += [f for f in series.table.fields if f.name in asked.inputs and f.kind == "number"]
    return sum(None in row for row in zip(*(field.values for field in read), strict=True))


def _input_keys(further: list[Field], asked: Asked) -> list[Key]:
    if not further:
        return []
    names = [field.name for field in further[:20]]
    if asked.inputs:
        return [Key("inputs", names, "read too, not forecast")]
    return [offer("inputs", names, "read too, not forecast; a forecast of several steps then needs "
                  "them for the steps to come")]  # fmt: skip


def _window_reason(series: _Series, window: int, season: tuple[int, float] | None) -> str:
    unit = f"{series.step}s" if series.step else "steps"
    because = ", one season" if season and season[0] == window else ""
    return f"{unit} that are read for a forecast{because}"


def _season_keys(season: tuple[int, float] | None) -> list[Key]:
    if season is None:
        return [offer("season", 12, "no season was found; one adds the seasonal baseline")]
    return [Key("season", season[0], f"autocorrelation {season[1]:.2f} at this lag; adds the "
                "seasonal baseline")]  # fmt: skip


def _log_keys(series: _Series, asked: Asked) -> list[Key]:
    values = series.numbers(series.longest)
    if asked.inputs or values.min() <= 0:
        return []
    if all(field.present and min(field.present) > 0 for field in series.value) and _grows(values):
        return [Key("log", True, "its swings grow with its level")]
    return [offer("log", True, "where growth is a percentage")]


def _task_keys(many: bool) -> tuple[Key, ...]:
    one = Key("kind", "many_to_one", "a window -> the next value")
    every = Key("kind", "many_to_many", "at every step the next value")
    first, second = (every, one) if many else (one, every)
    return first, offer(second.name, second.value, second.why), Key("target", "regression")


def _baselines(season: bool) -> str:
    names = ["the last value (persistence)", "linear autoregression"]
    names += ["the value one season before (seasonal)"] if season else []
    return ", ".join(names) + "; train prints their scores beside the model's"


def _found(series: _Series) -> dict[str, Any]:
    table = series.table
    found: dict[str, Any] = {
        "rows": table.count,
        "columns": {field.name: field.words for field in table.fields[:12]},
    }
    if len(table.fields) > 12:
        found["more columns"] = len(table.fields) - 12
    if series.id:
        found["series"] = f"{len(series.groups)} by {series.id.name}"
    if series.time is not None and series.time.present:
        first, last = series.time.present[0], series.time.present[-1]
        ends = "to" if table.complete else "... looked at up to"
        found["range"] = f"{first} {ends} {last}"
    if series.step:
        found["step"] = f"one {series.step}"
    return found


def _choices(
    series: _Series, season: tuple[int, float] | None, further: list[Field], asked: Asked
) -> list[Choice]:
    table, chosen = series.table, series.value[0]
    choices = []
    others = [f for f in _numbers(table) if f not in (series.time, series.id, *series.value)]
    if not asked.value and others:
        named = called(chosen, VALUE_NAMES)
        why = "by its name" if named else "the first column of numbers that change"
        change = f"--value COLUMN: {', '.join(field.name for field in others[:5])}"
        choices.append(Choice("data.value", chosen.name, why, change))
    if series.id:
        why = "each date stands once in each series"
        choices.append(Choice("data.id", series.id.name, why, "edit data.id"))
    if further and not asked.inputs:
        names = ",".join(field.name for field in further[:5])
        why = "the value alone is read"
        choices.append(Choice("data.inputs", None, why, f"--inputs {names}"))
    if blanks := _blank_rows(series, asked):
        why = f"{blanks:,} rows have no value and are left out"
        choices.append(Choice("data.nan", "drop", why, "fill them in, and remove data.nan"))
    if season:
        why = f"autocorrelation {season[1]:.2f} at this lag"
        choices.append(Choice("data.season", season[0], why, "edit data.season"))
    if series.time is None:
        why = "there is no date: the order of the rows is taken for the order of time"
        choices.append(Choice("data", "rows in order", why, "sort the file by time"))
    return choices


def _after(table: Table, further: list[Field], asked: Asked) -> str:
    if asked.inputs:
        return f"rnnexp predict latest {table.sample.name}"
    return f"rnnexp predict latest {table.sample.name} --steps 12"
