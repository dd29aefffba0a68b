"""A table of time steps: season, window and scale of a forecaster, and the words of its config."""

from __future__ import annotations

from shlex import quote
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.drafting.asked import Asked
from rnnexp.drafting.draft import Choice, Draft, Key, offer
from rnnexp.drafting.field import Field, called, described, in_short
from rnnexp.drafting.first_model import Start, forecaster
from rnnexp.drafting.moments import calendar_seasons
from rnnexp.drafting.season import season_of
from rnnexp.drafting.table import Table
from rnnexp.drafting.time_columns import (
    VALUE_NAMES,
    TimeColumns,
    further_columns,
    numbers_of,
    time_columns,
)
from rnnexp.drafting.time_order import LEAST_ROWS, check_length, check_order

__all__ = ["draft_series"]

SHORTEST_WINDOW, LONGEST_WINDOW = 12, 64
"""steps that are read, where a season suggests fewer or more"""
TRAIN = 0.7


def draft_series(table: Table, asked: Asked, path: str) -> Draft:
    """A forecaster of a column; `path` is the file as the config is to name it.

    Raises:
        CommandError: an option that does not fit this table.
        DataError: rows that are not in the order of time, or too few of them.
    """
    asked.check_task("a time series", ("many_to_one", "many_to_many"))
    series = time_columns(table, asked)
    check_order(series)
    check_length(series)
    window, season = _window(series)
    examples = int(TRAIN * table.rows)
    model, training = forecaster(Start(examples, window))
    further = further_columns(series, asked)
    many = asked.task == "many_to_many"
    value = ", ".join(field.name for field in series.value)
    return Draft(
        title=f"Forecasts {value} of {table.sample.short_name}, one step ahead.",
        found=_found(series),
        data=_data_keys(series, path, window, season, further, asked),
        task=_task_keys(many),
        model=model,
        training=training,
        baselines=_baselines(season is not None),
        choices=tuple(_choices(series, season, further, asked)),
        after=_after(table, asked),
    )


# -- window, season, scale -------------------------------------------------------------------------


def _window(series: TimeColumns) -> tuple[int, tuple[int, float] | None]:
    """How many steps are read for a forecast, and the season with its autocorrelation."""
    train = int(TRAIN * series.shortest)
    season = season_of(series.numbers(series.longest), calendar_seasons(series.step))
    if season is not None and season[0] > train:
        season = None
    window = 32
    if season is not None and season[0] <= LONGEST_WINDOW:
        window = season[0] * -(-SHORTEST_WINDOW // season[0])
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
    series: TimeColumns,
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
    others = [f for f in numbers_of(table) if f not in (series.time, series.id, *series.value)]
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


def _blank_rows(series: TimeColumns, asked: Asked) -> int:
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


def _window_reason(series: TimeColumns, window: int, season: tuple[int, float] | None) -> str:
    unit = f"{series.step}s" if series.step else "steps"
    whole = season is not None and window % season[0] == 0
    because = f", {_seasons(window // season[0])}" if season and whole else ""
    return f"{unit} that are read for a forecast{because}"


def _seasons(count: int) -> str:
    return "one season" if count == 1 else f"{count} seasons"


def _season_keys(season: tuple[int, float] | None) -> list[Key]:
    if season is None:
        return [offer("season", 12, "no season was found; one adds the seasonal baseline")]
    return [Key("season", season[0], f"autocorrelation {season[1]:.2f} at this lag; adds the "
                "seasonal baseline")]  # fmt: skip


def _log_keys(series: TimeColumns, asked: Asked) -> list[Key]:
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


def _found(series: TimeColumns) -> dict[str, Any]:
    table = series.table
    found: dict[str, Any] = {
        "rows": table.count,
        "columns": described(table.fields),
    }
    if series.id:
        found["series"] = f"{len(series.groups)} by {series.id.name}"
    if series.time is not None and series.time.present:
        first, last = (in_short(series.time.present[end]) for end in (0, -1))
        ends = "to" if table.complete else "... looked at up to"
        found["range"] = f"{first} {ends} {last}"
    if series.step:
        found["step"] = f"one {series.step}"
    return found


def _choices(
    series: TimeColumns, season: tuple[int, float] | None, further: list[Field], asked: Asked
) -> list[Choice]:
    table, chosen = series.table, series.value[0]
    choices = []
    others = [f for f in numbers_of(table) if f not in (series.time, series.id, *series.value)]
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


def _after(table: Table, asked: Asked) -> str:
    steps = "" if asked.inputs else " --steps 12"
    return f"rnnexp predict latest {quote(str(table.sample.path))}{steps}"
