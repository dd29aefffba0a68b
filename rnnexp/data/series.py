"""From a table of numbers in time order to windows: split, scale by the training part, cut.

Shape letters: S steps of the series, F columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.config.schema.data import Series
from rnnexp.data.dataset import Dataset, Sequences, Values
from rnnexp.data.encoding import Scaler
from rnnexp.data.splits import bounds, chronological
from rnnexp.data.windows import consecutive, overlapping
from rnnexp.errors import DataError, Position

__all__ = ["Table", "naive_mae", "windows_of"]


@dataclass(frozen=True)
class Table:
    """Columns `names` of finite numbers (S, F), oldest row first.

    lines: (S,) line of each row in `file`; both None for a generated series.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    file: str | None = None
    lines: NDArray[np.int64] | None = None
    record: Mapping[str, Any] = field(default_factory=dict)


def windows_of(config: Config, data: Series, table: Table) -> Dataset:
    """Split a series chronologically, scale it by its training part and cut it into windows.

    Raises:
        DataError: the series is too short, or not positive where its logarithm is asked for.
    """
    _check_length(config, data, table)
    if data.log:
        _check_positive(config, table)
    train_steps, _ = bounds(len(table.values), data.split)
    scaler = Scaler.fit(data.scale, table.values[:train_steps], log=data.log)
    with np.errstate(over="ignore"):  # an overflow is reported with the finished data set
        series = scaler.apply(table.values)
    one = config.experiment.task.kind == "many_to_one"

    def cut(start: int, stop: int) -> Sequences:
        windows = overlapping if one else consecutive
        return windows(series, start, stop, data.window, data.horizon)

    train, val, test = chronological(len(series), data.split, cut)
    columns = Values(len(table.names), table.names, scaler)
    return Dataset(
        source=data.source,  # type: ignore[attr-defined]
        shape="many_to_one" if one else "many_to_many",
        train=train,
        val=val,
        test=test,
        inputs=columns,
        outputs=columns,
        consecutive=not one,
        season=data.season,
        naive_mae=naive_mae(table.values[:train_steps], data.season or 1),
        record={**table.record, "steps": len(series), "horizon": data.horizon},
    )


def naive_mae(values: NDArray[np.float64], period: int) -> NDArray[np.float64] | None:
    """(F,) mean of |y_t - y_(t - period)| over a part (S, F) of a series.

    None where the part is not longer than a period, or every column repeats itself exactly.
    """
    if len(values) <= period:
        return None
    errors = np.abs(values[period:] - values[:-period]).mean(axis=0)
    return errors if errors.any() else None


def _check_length(config: Config, data: Series, table: Table) -> None:
    steps, least = len(table.values), data.window + data.horizon
    train_steps, _ = bounds(steps, data.split)
    if train_steps >= least:
        return
    part = (
        f"the series has length {steps:,}"
        if steps < least
        else f"the training part has length {train_steps:,} of {steps:,}"
    )
    raise DataError(
        f"{part}; window {data.window} and horizon {data.horizon} need at least {least:,}: "
        "would train 0 steps",
        code="DAT141",
        position=config.where("data.window"),
        key="data.window",
        value=data.window,
        hint="a shorter window, more data, or a larger data.split.train",
    )


def _check_positive(config: Config, table: Table) -> None:
    rows, columns = np.nonzero(table.values <= 0)
    if not len(rows):
        return
    row, column = int(rows[0]), int(columns[0])
    position = config.where("data.log")
    if table.file and table.lines is not None:
        position = Position(table.file, int(table.lines[row]))
    raise DataError(
        f"the logarithm needs values above 0, but {len(rows):,} are not; the first is "
        f"{table.values[row, column]:g} in column {table.names[column]!r}",
        code="DAT117",
        position=position,
        key="data.log",
        value=True,
        hint="data.log: false",
    )
