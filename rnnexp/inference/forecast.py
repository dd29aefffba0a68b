"""Forecasts of a series from new rows: the next value, every next value, or many steps ahead.

Shape letters: N starts, H steps ahead, F columns.
Shape letters: S rows, T steps of a window, B windows, F columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnexp.config.config import Config
from rnnexp.config.data_settings import ColumnSeries
from rnnexp.data.dataset import Dataset, Floats, Values
from rnnexp.data.reading_files import SourceFile
from rnnexp.data.series import Table, check_positive, known_features
from rnnexp.data.sources.csv_table import read_table
from rnnexp.data.splits import overlapping
from rnnexp.errors import DataError, Position
from rnnexp.inference.exposure import (
    carries_state,
    forecast_from,
    forecaster_of,
    series_settings,
    starts_in,
)
from rnnexp.inference.trained import Trained
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.reading import read_json

__all__ = ["LEAST_RESIDUALS", "Intervals", "SeriesReader", "forecasts", "intervals_of"]


# How far off free-running forecasts are: quantiles of their residuals on the validation part.

LEVEL = 0.9
"""share of the residuals between the low and the high quantile"""
MOST_STEPS = 48
LEAST_RESIDUALS = 20
FILE = "intervals.json"


def intervals_of(config: Config, network: AnyNetwork, dataset: Dataset) -> dict[str, Any] | None:
    """What `intervals.json` holds: the quantiles (H, F) of truth minus forecast, scaled.

    Scaled, so that they grow with the level of a series whose logarithm is read. H is 48, or as far
    ahead as 20 residuals reach; None where no series is forecast, or the part is shorter.
    """
    starts = starts_in(config, dataset, "val", MOST_STEPS, LEAST_RESIDUALS, whole=False)
    if starts is None:
        return None
    free = forecast_from(config, network, starts, forced=False)
    residuals = starts.truth.astype(np.float64) - free
    low, high = np.nanquantile(residuals, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    return {
        "level": LEVEL,
        "split": "val",
        "residuals": np.isfinite(residuals[:, :, 0]).sum(axis=1).tolist(),
        "scaled": True,
        "low": low.tolist(),
        "high": high.tolist(),
    }


class Intervals:
    """The residual quantiles that a run has stored."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.low, self.high = np.array(record["low"]), np.array(record["high"])
        self.level, self.residuals = record["level"], record["residuals"]

    @classmethod
    def of(cls, run: Path) -> Intervals | None:
        """Those of a run; None where its validation part was too short for any."""
        record = read_json(run / FILE)
        return None if record is None else cls(record)

    def around(self, forecast_F: Floats, step: int) -> tuple[NDArray[np.float64], ...] | None:
        """Low and high (F,), scaled, of a forecast `step` steps ahead; None where none are kept."""
        if step > len(self.residuals):
            return None
        return forecast_F + self.low[step - 1], forecast_F + self.high[step - 1]

    def to_json(self) -> dict[str, Any]:
        """Where the interval comes from, and what it means in a sentence."""
        counts = f"{self.residuals[0]:,} at 1 step to {self.residuals[-1]:,} at"
        meaning = (
            f"low..high holds {self.level:.0%} of the errors of free-running forecasts on the"
            f" validation part ({counts} {len(self.residuals)} steps ahead), laid around this one"
        )
        return {
            "level": self.level,
            "split": "val",
            "residuals": self.residuals,
            "meaning": meaning,
        }


# Forecasts of a series from new rows: the next value, every next value, or many steps ahead.

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
