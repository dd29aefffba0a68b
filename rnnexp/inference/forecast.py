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

from rnnexp.config.schema.data import ColumnSeries
from rnnexp.data.dataset import Floats, Values
from rnnexp.data.exogenous import known_features
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
        inputs, outputs = trained.signature.inputs, trained.signature.outputs
        assert isinstance(inputs, Values) and isinstance(outputs, Values)
        self.inputs, self.columns = inputs, outputs

    def read(self, file: SourceFile, open_end: bool = False) -> Table:
        """The columns of a CSV file; open_end: the last rows may be blank, to be forecast.

        Raises DataError: it lacks one, or holds no numbers.
        """
        data, names = self.data, self.columns.names
        if not isinstance(data, ColumnSeries):
            return read_table(file, names, file.at(1), 1, open_end=open_end)
        return read_table(
            file,
            names,
            file.at(1),
            1,
            further=data.inputs,
            series=data.id,
            drop=data.nan == "drop",
            open_end=open_end,
        )

    def scale(self, table: Table, least: int) -> tuple[Floats, Floats]:
        """What the network reads (S, I), and what it answers (S, F), scaled.

        Rows that are to be forecast stay NaN.

        Raises:
            DataError: a series with fewer known rows than `least`, or values that cannot be scaled.
        """
        known = table.known
        for begin, stop in table.spans:
            if known[begin:stop].sum() < least:
                message = f"{known[begin:stop].sum():,} rows, needs at least {least:,}"
                position = self._at(table, begin)
                raise DataError(message, code="DAT141", position=position)
        if self.data.log:
            check_positive(self.config, table)
        scaler = self.columns.scaler
        with np.errstate(over="ignore"):
            answers_SF = scaler.apply(table.values) if scaler else table.values.astype(np.float32)
            features_SI = self._features(table, answers_SF)
        finite_SI = np.isfinite(features_SI)
        finite_SI[~known, : answers_SF.shape[1]] = True
        odd = np.flatnonzero(~finite_SI.all(axis=1))
        if len(odd):
            position = self._at(table, int(odd[0]))
            raise DataError("overflows float32 once scaled", code="DAT116", position=position)
        return features_SI, answers_SF

    def check_beside(self, table: Table, end: int, steps: int, beside: Floats) -> None:
        """Raises DataError where the columns that are not predicted end before the forecast.

        A forecast `horizon` rows ahead reads none of them, so that so many rows may be missing.
        """
        rows, least = len(beside), max(steps - self.data.horizon, 0)
        if not beside.shape[1] or rows >= least:
            return
        further = ", ".join(map(repr, table.further))
        raise DataError(
            f"{steps:,} steps ahead need {least:,} more rows of {further}, got {rows:,}",
            code="DAT159",
            position=self._at(table, end - 1),
            key="--steps",
            value=steps,
            hint="add the rows to forecast at the end of the file, with "
            + ", ".join(map(repr, self.columns.names))
            + " left blank",
        )

    def own_units(self, scaled_F: Floats | Doubles) -> dict[str, float]:
        """One row of the series by its columns."""
        scaler = self.columns.scaler
        own = scaler.invert(scaled_F) if scaler else scaled_F
        return dict(zip(self.columns.names, own.tolist(), strict=True))

    def _features(self, table: Table, answers_SF: Floats) -> Floats:
        try:
            return known_features(answers_SF, table.further, self.inputs)
        except KeyError as error:
            raise DataError(
                f"column {error.args[0]!r} held numbers in training and holds text here, or the "
                "other way round",
                code="DAT112",
                position=Position(str(table.file)),
                key=str(error.args[0]),
            ) from None

    def _at(self, table: Table, row: int) -> Position:
        assert table.lines is not None
        return Position(str(table.file), int(table.lines[row]) if row < len(table.lines) else None)


def forecasts(
    trained: Trained, table: Table, steps: int | None, every: bool
) -> Iterator[dict[str, Any]]:
    """One record a forecast: after which line, how many rows ahead, each column's value, interval.

    steps: so many rows ahead, each forecast fed back; None is as many as the table has rows
    without values at the end. every: the forecast after every row. Otherwise the one that the last
    rows allow, `horizon` rows ahead. Where the table holds several series, each is forecast.

    Raises:
        DataError: too few rows, values that cannot be scaled, or no rows of the columns that are
            read and not predicted for what is ahead.
    """
    reader = SeriesReader(trained)
    ahead = steps is not None or not table.known.all()
    features_SI, _ = reader.scale(table, _rows_needed(trained, ahead))
    for begin, stop in table.spans:
        end = begin + int(table.known[begin:stop].sum())
        series, asked = features_SI[begin:end], steps or (stop - end if ahead else None)
        if asked == 0:  # another series of the table has rows to forecast, this one has none
            continue
        if asked is not None:
            beside = features_SI[end:stop, reader.columns.size :]
            reader.check_beside(table, end, asked, beside)
            answers = _ahead(trained, series, asked, beside)
        else:
            answers = _every(trained, series) if every else _last(trained, series)
        yield from _records(trained, reader, table, end, answers, asked)


def _records(  # noqa: PLR0917
    trained: Trained,
    reader: SeriesReader,
    table: Table,
    stop: int,
    answers: Floats,
    steps: int | None,
) -> Iterator[dict[str, Any]]:
    """The records of one series, whose known rows end at `stop`."""
    intervals, lines = Intervals.of(trained.run), table.lines
    assert lines is not None
    for number, answer_F in enumerate(answers):
        row = stop - 1 if steps is not None else stop - len(answers) + number
        step = reader.data.horizon if steps is None else number + 1
        around = intervals.around(answer_F, step) if intervals else None
        low, high = map(reader.own_units, around) if around else (None, None)
        place = {"line": int(lines[row]), "step": step}
        yield place | {"forecast": reader.own_units(answer_F), "low": low, "high": high}


def _rows_needed(trained: Trained, ahead: bool) -> int:
    """How many known rows a forecast reads at least."""
    if ahead:
        return forecaster_of(trained.config, trained.network).context
    one = trained.signature.shape == "many_to_one"
    return series_settings(trained.config).window if one else 1


def _ahead(trained: Trained, series: Floats, steps: int, beside: Floats) -> Floats:
    """(H, F) the rows after the series, each forecast fed back beside the further columns."""
    forecaster = forecaster_of(trained.config, trained.network)
    if forecaster.window is None:
        series = _context(trained, series, forecaster.context)
    known, further = (_tensor(trained, values[:, None]) for values in (series, beside))
    answers_H1F = forecaster.forecast(known, steps, further if beside.shape[1] else None)
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
