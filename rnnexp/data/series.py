"""From a table of numbers in time order to windows: split, scale by the training part, cut.

Shape letters: S steps, F predicted columns, I input features.
Shape letters: S steps of all series, end to end, F predicted columns, I input features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Series
from rnnexp.data.dataset import Dataset, Floats, History, Sequences, Values
from rnnexp.data.encoding import Scaler
from rnnexp.data.splits import bounds, consecutive, joined, overlapping
from rnnexp.errors import DataError, Position

__all__ = ["Column", "Table", "check_positive", "known_features", "naive_mae", "windows_of"]


# Columns that a series reads but does not predict: numbers, scaled; categories, one-hot.

Column = NDArray[np.float64] | list[str]


def features_of(  # noqa: PLR0917
    names: tuple[str, ...],
    answers_SF: Floats,
    scaler: Scaler,
    further: Mapping[str, Column],
    train: NDArray[np.bool_],
    scale: str,
) -> tuple[Floats, Values]:
    """What the network reads at each step (S, I): the predicted columns, then the further ones.

    Scales and categories are those of the training rows; a category that they lack is all zeros.
    """
    if not further:
        return answers_SF, Values(len(names), names, scaler)
    parts, labels, scalers = [answers_SF], list(names), [scaler]
    categories: dict[str, tuple[str, ...]] = {}
    for name, column in further.items():
        if isinstance(column, list):
            known = tuple(sorted({cell for cell, row in zip(column, train, strict=True) if row}))
            parts.append(one_hot(column, known))
            labels += [f"{name}={category}" for category in known]
            scalers.append(Scaler(np.zeros(len(known)), np.ones(len(known))))
            categories[name] = known
        else:
            own = Scaler.fit(scale, column[train, None])
            parts.append(own.apply(column[:, None]))
            labels.append(name)
            scalers.append(own)
    both = Scaler(
        np.concatenate([each.shift for each in scalers]),
        np.concatenate([each.scale for each in scalers]),
    )
    features_SI = np.concatenate(parts, axis=1)
    return features_SI, Values(features_SI.shape[1], tuple(labels), both, categories)


def known_features(answers_SF: Floats, further: Mapping[str, Column], inputs: Values) -> Floats:
    """(S, I) the same of new rows, with the scales and categories of training.

    Raises:
        KeyError: a column that held categories holds numbers, or the other way round.
    """
    parts = [answers_SF]
    for name, column in further.items():
        if isinstance(column, list):
            parts.append(one_hot(column, inputs.categories[name]))
        else:
            place = {label: i for i, label in enumerate(inputs.names)}[name]
            assert inputs.scaler is not None
            shift, scale = inputs.scaler.shift[place], inputs.scaler.scale[place]
            parts.append(Scaler(shift[None], scale[None]).apply(column[:, None]))
    return np.concatenate(parts, axis=1)


def one_hot(cells: Sequence[str], known: tuple[str, ...]) -> Floats:
    """(S, categories): 1.0 at the category of each cell."""
    places = {category: place for place, category in enumerate(known)}
    hot = np.zeros((len(cells), len(known)), dtype=np.float32)
    for step, cell in enumerate(cells):
        if cell in places:
            hot[step, places[cell]] = 1
    return hot


# From a table of numbers in time order to windows: split, scale by the training part, cut.


@dataclass(frozen=True)
class Table:
    """Columns `names` of finite numbers (S, F), oldest row first, series after series.

    begins: the row where each series begins. further: columns that are read but not predicted,
    each numbers or texts (S,). lines: (S,) line of each row in `file`; both None for a generated
    series.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    begins: tuple[int, ...] = (0,)
    further: Mapping[str, Column] = field(default_factory=dict)
    file: str | None = None
    lines: NDArray[np.int64] | None = None
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def spans(self) -> list[tuple[int, int]]:
        """First row and end of each series."""
        return list(pairwise((*self.begins, len(self.values))))

    @property
    def known(self) -> NDArray[np.bool_]:
        """(S,) which rows have values; the others, at the end of a series, are to be forecast."""
        return np.asarray(np.isfinite(self.values).all(axis=1))


def windows_of(config: Config, data: Series, table: Table) -> Dataset:
    """Split each series chronologically, scale by the training parts and cut into windows.

    Raises:
        DataError: a series is too short, or not positive where its logarithm is asked for.
    """
    for begin, stop in table.spans:
        _check_length(config, data, table, stop - begin)
    if data.log:
        check_positive(config, table)
    train = _training_rows(data, table)
    scaler = Scaler.fit(data.scale, table.values[train], log=data.log)
    with np.errstate(over="ignore"):  # an overflow is reported with the finished data set
        answers_SF = scaler.apply(table.values)
        features_SI, inputs = features_of(
            table.names, answers_SF, scaler, table.further, train, data.scale
        )
    one = config.experiment.task.kind == "many_to_one"

    def cut(part: int) -> Sequences:
        windows = [
            _windows(data, features_SI[begin:stop], answers_SF[begin:stop], part, one)
            for begin, stop in table.spans
        ]
        return joined(windows, table.begins)

    return Dataset(
        data.source,  # type: ignore[attr-defined]
        "many_to_one" if one else "many_to_many",
        train=cut(0),
        val=cut(1),
        test=cut(2),
        inputs=inputs,
        outputs=Values(len(table.names), table.names, scaler),
        consecutive=not one and len(table.begins) == 1,
        season=data.season,
        history=History(features_SI, _begin_of_each(table), len(table.names)),
        naive_mae=naive_mae(_training_parts(data, table), data.season or 1),
        record={
            **table.record,
            "steps": len(answers_SF),
            "series": len(table.begins),
            "horizon": data.horizon,
        },
    )


def _windows(
    data: Series, features_SI: Floats, answers_SF: Floats, part: int, one: bool
) -> Sequences:
    """The windows of one series whose targets lie in training (0), validation (1) or test (2)."""
    steps = len(answers_SF)
    ends = (0, *bounds(steps, data.split), steps)
    cut = overlapping if one else consecutive
    return cut(features_SI, ends[part], ends[part + 1], data.window, data.horizon, answers_SF)


def _training_rows(data: Series, table: Table) -> NDArray[np.bool_]:
    """(S,) which rows everything is fitted on."""
    rows = np.zeros(len(table.values), dtype=bool)
    for begin, stop in table.spans:
        rows[begin : begin + bounds(stop - begin, data.split)[0]] = True
    return rows


def _training_parts(data: Series, table: Table) -> list[NDArray[np.float64]]:
    """The training rows of each series (S, F)."""
    lengths = [(begin, bounds(stop - begin, data.split)[0]) for begin, stop in table.spans]
    return [table.values[begin : begin + length] for begin, length in lengths]


def naive_mae(parts: Sequence[NDArray[np.float64]], period: int) -> NDArray[np.float64] | None:
    """(F,) mean of |y_t - y_(t - period)| over the parts (S, F) of all series.

    None where no part is longer than a period, or every column repeats itself exactly.
    """
    errors = np.concatenate([np.abs(part[period:] - part[:-period]) for part in parts])
    if not len(errors):
        return None
    mean: NDArray[np.float64] = errors.mean(axis=0)
    return mean if mean.any() else None


def _begin_of_each(table: Table) -> NDArray[np.int64]:
    """(S,) the row where the series of each row begins."""
    lengths = [stop - begin for begin, stop in table.spans]
    return np.repeat(np.array(table.begins, dtype=np.int64), lengths)


def _check_length(config: Config, data: Series, table: Table, steps: int) -> None:
    least = data.window + data.horizon
    train_steps, _ = bounds(steps, data.split)
    if train_steps >= least:
        return
    what = "the series has" if len(table.begins) == 1 else "one of the series has"
    part = (
        f"{what} length {steps:,}"
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


def check_positive(config: Config, table: Table) -> None:
    """Raises DataError where a series, whose logarithm is read, is not above 0."""
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
