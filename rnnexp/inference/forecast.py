"""Forecasts of a series from new rows: the next value, every next value, or many steps ahead.

Shape letters: S rows, T steps of a window, B windows, F columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnexp.data.dataset import Floats, Values
from rnnexp.data.series import Table, check_positive
from rnnexp.data.sources.csv_table import read_table
from rnnexp.data.sources.files import SourceFile
from rnnexp.data.windows import overlapping
from rnnexp.errors import DataError, Position
from rnnexp.inference.exposure import carries_state, forecaster_of, series_settings
from rnnexp.inference.intervals import Intervals
from rnnexp.inference.trained import Trained

__all__ = ["SeriesReader", "forecasts"]

BATCH = 256
Doubles = NDArray[np.float64]


class SeriesReader:
    """Reads the columns of a run from a CSV file and scales them as in training."""

    def __init__(self, trained: Trained) -> None:
        self.config, self.data = trained.config, series_settings(trained.config)
        assert isinstance(trained.signature.inputs, Values)
        self.columns = trained.signature.inputs

    def read(self, file: SourceFile, least: int = 1) -> Table:
        """The columns of a CSV file. Raises DataError: it lacks one, or holds no numbers."""
        drop = getattr(self.data, "nan", "error") == "drop"
        return read_table(file, self.columns.names, file.at(1), least, drop=drop)

    def scale(self, table: Table, least: int) -> Floats:
        """The scaled values (S, F).

        Raises:
            DataError: fewer rows than `least`, or values that cannot be scaled.
        """
        if len(table.values) < least:
            raise DataError(
                f"{len(table.values):,} rows, needs at least {least:,}",
                code="DAT141",
                position=Position(str(table.file)),
            )
        if self.data.log:
            check_positive(self.config, table)
        scaler = self.columns.scaler
        with np.errstate(over="ignore"):
            scaled = scaler.apply(table.values) if scaler else table.values.astype(np.float32)
        odd = np.flatnonzero(~np.isfinite(scaled).all(axis=1))
        if len(odd) and table.lines is not None:
            line = int(table.lines[odd[0]])
            position = Position(str(table.file), line)
            raise DataError("overflows float32 once scaled", code="DAT116", position=position)
        return scaled

    def own_units(self, scaled_F: Floats | Doubles) -> dict[str, float]:
        """One row of the series by its columns."""
        scaler = self.columns.scaler
        own = scaler.invert(scaled_F) if scaler else scaled_F
        return dict(zip(self.columns.names, own.tolist(), strict=True))


def forecasts(
    trained: Trained, table: Table, steps: int | None, every: bool
) -> Iterator[dict[str, Any]]:
    """One record a forecast: after which line, how many rows ahead, each column's value, interval.

    steps: so many rows ahead, each forecast fed back. every: the forecast after every row.
    Otherwise the one that the last rows allow, `horizon` rows ahead.

    Raises:
        DataError: too few rows, or values that cannot be scaled.
    """
    reader, intervals = SeriesReader(trained), Intervals.of(trained.run)
    series = reader.scale(table, _rows_needed(trained, steps))
    assert table.lines is not None
    if steps is not None:
        answers = _ahead(trained, series, steps)
        places = [(int(table.lines[-1]), step) for step in range(1, steps + 1)]
    else:
        answers = _every(trained, series) if every else _last(trained, series)
        places = [(line, reader.data.horizon) for line in table.lines[-len(answers) :].tolist()]
    for answer_F, (line, step) in zip(answers, places, strict=True):
        around = intervals.around(answer_F, step) if intervals else None
        low, high = map(reader.own_units, around) if around else (None, None)
        forecast = reader.own_units(answer_F)
        yield {"line": line, "step": step, "forecast": forecast, "low": low, "high": high}


def _rows_needed(trained: Trained, steps: int | None) -> int:
    """How many rows a forecast reads at least."""
    if steps is not None:
        return forecaster_of(trained.config, trained.network).context
    one = trained.signature.shape == "many_to_one"
    return series_settings(trained.config).window if one else 1


def _ahead(trained: Trained, series: Floats, steps: int) -> Floats:
    """(H, F) the rows after the series, each forecast fed back."""
    forecaster = forecaster_of(trained.config, trained.network)
    if forecaster.window is None:
        series = _context(trained, series, forecaster.context)
    answers_H1F = forecaster.forecast(_tensor(trained, series[:, None]), steps)
    return np.asarray(answers_H1F[:, 0].cpu().numpy())


def _context(trained: Trained, series: Floats, least: int = 1) -> Floats:
    """As much as training let a state see: all of the series where it is carried, or a window."""
    if carries_state(trained.config):
        return series
    return series[-max(series_settings(trained.config).window, least) :]


@torch.no_grad()
def _last(trained: Trained, series: Floats) -> Floats:
    """(1, F) what the last rows say."""
    one = trained.signature.shape == "many_to_one"
    window = series_settings(trained.config).window
    known = series[-window:] if one else _context(trained, series)
    output, _ = trained.network(_tensor(trained, known[:, None]))
    return np.asarray((output if one else output[-1]).float().cpu().numpy())


@torch.no_grad()
def _every(trained: Trained, series: Floats) -> Floats:
    """(N, F) what the rows up to each one say, from the first that has enough before it."""
    window, answers, state = series_settings(trained.config).window, [], None
    if trained.signature.shape == "many_to_one":
        windows_NTF = overlapping(series, window - 1, len(series), window, 0).inputs
        for start in range(0, len(windows_NTF), BATCH):
            batch_BTF = windows_NTF[start : start + BATCH]
            output, _ = trained.network(_tensor(trained, batch_BTF.swapaxes(0, 1)))
            answers.append(output)
    else:
        for start in range(0, len(series), window):
            part_T1F = _tensor(trained, series[start : start + window, None])
            output, state = trained.network(part_T1F, state)
            state = state if carries_state(trained.config) else None
            answers.append(output[:, 0])
    return np.asarray(torch.cat(answers).float().cpu().numpy())


def _tensor(trained: Trained, values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(trained.device)
