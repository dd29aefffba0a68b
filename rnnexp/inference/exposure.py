"""What feeding its own forecasts back costs a network: teacher-forced against free-running.

Shape letters: S steps of history, N starts, H steps ahead, F predicted columns, I columns that are
read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Series
from rnnexp.config.training_settings import Truncated
from rnnexp.data.dataset import Dataset, Floats, History, Values
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.tasks.free_running import Forecaster

__all__ = [
    "Starts",
    "carries_state",
    "exposure_gap",
    "forecast_from",
    "forecaster_of",
    "is_series",
    "series_settings",
    "starts_in",
]

MOST_STARTS = 500
LEAST_STARTS = 10
DEFAULT_STEPS = 24
WARM_UP_WINDOWS = 8
"""a state that training carried along is brought up from zero over so many windows"""


@dataclass(frozen=True)
class Starts:
    """Places of a series to forecast from, scaled.

    known: (S, N, I) what the network is shown. truth: (H, N, F) what follows, NaN beyond the split.
    beside: (H, N, I - F) the further columns there.
    """

    known: Floats
    truth: Floats
    beside: Floats


def is_series(config: Config) -> bool:
    """Whether an experiment forecasts a series: its answers are the columns that it reads."""
    return isinstance(config.experiment.data, Series)


def series_settings(config: Config) -> Series:
    """The data section of an experiment that forecasts a series."""
    assert isinstance(config.experiment.data, Series)
    return config.experiment.data


def carries_state(config: Config) -> bool:
    """Whether training carried the state from window to window."""
    bptt = config.experiment.training.bptt
    return isinstance(bptt, Truncated) and bptt.carry_state


def forecaster_of(config: Config, network: AnyNetwork) -> Forecaster:
    """The network as one that continues a series."""
    data, one = series_settings(config), config.experiment.task.kind == "many_to_one"
    return Forecaster(network, data.window if one else None, data.horizon)


def history_of(config: Config) -> int:
    """How many steps before its first forecast a network is shown."""
    data = series_settings(config)
    if config.experiment.task.kind == "many_to_one":
        return data.window + data.horizon - 1
    windows = WARM_UP_WINDOWS if carries_state(config) else 1
    return max(data.window * windows, data.horizon)


def starts_in(
    config: Config, dataset: Dataset, split: str, steps: int, least: int, *, whole: bool
) -> Starts | None:
    """Up to 500 places, evenly spread, from which a split can be forecast `steps` ahead.

    least: from how many places the last step must be known; where the split is too short, fewer
    steps are taken, and None is returned where that leaves none. whole: only places from which
    every step is known.
    """
    if dataset.history is None:
        return None
    back, series = history_of(config), dataset.history
    places, room = _places(dataset, series, split, back)
    if len(places) < least:
        return None
    steps = min(steps, int(np.sort(room)[-least]))
    places, room = (each[room >= (steps if whole else 1)] for each in (places, room))
    some = np.linspace(0, len(places) - 1, min(MOST_STARTS, len(places))).astype(np.int64)
    ahead_HN = places[some] + np.arange(steps)[:, None]
    ahead_HN = np.minimum(ahead_HN, len(series.features) - 1)
    truth = series.values[ahead_HN]
    # The steps after the split belong to another one, which nothing here may look at.
    truth[np.arange(steps)[:, None] >= room[some]] = np.nan
    known = series.features[places[some] + np.arange(-back, 0)[:, None]]
    return Starts(known, truth, series.further[ahead_HN])


def _places(
    dataset: Dataset, history: History, split: str, back: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The targets of a split that have `back` steps of their series before them, and how many
    targets of the same series follow from each on, itself included.
    """
    part, counted = dataset.split(split), dataset.counted(split)
    assert part.origin is not None
    steps = part.origin
    if dataset.shape != "many_to_one":
        steps = (part.origin[:, None] + np.arange(counted.shape[1]))[counted]
    another = np.diff(history.begins[steps]) != 0
    last = np.append((np.diff(steps) != 1) | another, True)
    ends = steps[last][np.searchsorted(np.flatnonzero(last), np.arange(len(steps)))]
    whole = steps - back >= history.begins[steps]
    return steps[whole], (ends - steps + 1)[whole]


def forecast_from(config: Config, network: AnyNetwork, starts: Starts, *, forced: bool) -> Floats:
    """(H, N, F) forecasts of the steps that follow: teacher-forced or free-running."""
    forecaster, answers = forecaster_of(config, network), []
    device = next(network.parameters()).device
    for part in np.array_split(np.arange(starts.known.shape[1]), starts.known.shape[1] // 100 + 1):
        known, truth, beside = (
            torch.from_numpy(values[:, part]).to(device)
            for values in (starts.known, starts.truth, starts.beside)
        )
        answer_HNF = forecaster.forecast(known, len(truth), beside, truth if forced else None)
        answers.append(answer_HNF.cpu().numpy())
    return np.concatenate(answers, axis=1)


def exposure_gap(
    config: Config, network: AnyNetwork, dataset: Dataset, split: str, steps: int | None
) -> dict[str, Any] | None:
    """RMSE in own units at each step ahead, teacher-forced and free-running, and their ratio.

    steps: how far ahead; where it is left out a season (or 24), at most half of the split.
    """
    outputs = dataset.outputs
    room = int(dataset.counted(split).sum()) // 2
    steps = steps or min(dataset.season or DEFAULT_STEPS, max(room, 1))
    starts = starts_in(config, dataset, split, steps, LEAST_STARTS, whole=True)
    if starts is None or not isinstance(outputs, Values):
        return None
    truth, forced, free = (
        outputs.scaler.invert(values) if outputs.scaler else values.astype(np.float64)
        for values in (
            starts.truth,
            forecast_from(config, network, starts, forced=True),
            forecast_from(config, network, starts, forced=False),
        )
    )
    forced_H, free_H = (
        np.sqrt(np.square(values - truth).mean(axis=(1, 2))) for values in (forced, free)
    )
    ratio_H = free_H / np.maximum(forced_H, np.finfo(np.float64).tiny)
    return {
        "starts": truth.shape[1],
        "steps": list(range(1, len(truth) + 1)),
        "teacher_forced_rmse": forced_H.tolist(),
        "free_running_rmse": free_H.tolist(),
        "ratio": ratio_H.tolist(),
    }
