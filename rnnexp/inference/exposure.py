"""What feeding its own forecasts back costs a network: teacher-forced against free-running.

Shape letters: S steps of history, N starts, H steps ahead, F columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from rnnexp.config.config import Config
from rnnexp.config.schema.data import Series
from rnnexp.config.schema.training import Truncated
from rnnexp.data.dataset import Dataset, Floats, Values
from rnnexp.layers.network import Network
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

    known: (S, N, F) what the network is shown. truth: (H, N, F) what follows, NaN beyond the split.
    """

    known: Floats
    truth: Floats


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


def forecaster_of(config: Config, network: Network) -> Forecaster:
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
    if not is_series(config) or dataset.series is None:
        return None
    history = history_of(config)
    first, end = _bounds(dataset, split, history)
    steps = min(steps, end - first - least + 1)
    if steps < 1:
        return None
    last = end - steps if whole else end - 1
    places = np.linspace(first, last, min(MOST_STARTS, last - first + 1)).astype(np.int64)
    # The steps after the split belong to another one, which nothing here may look at.
    beyond = np.full((steps, dataset.series.shape[1]), np.nan, np.float32)
    series = np.concatenate([dataset.series[:end], beyond])
    pieces = np.stack([series[place - history : place + steps] for place in places], axis=1)
    return Starts(pieces[:history], pieces[history:])


def _bounds(dataset: Dataset, split: str, history: int) -> tuple[int, int]:
    """The first step that has its history and is a target of the split, and the end of those."""
    part, counted = dataset.split(split), dataset.counted(split)
    assert part.origin is not None
    last = 1 if dataset.shape == "many_to_one" else int(counted[-1].sum())
    return max(int(part.origin[0]), history), int(part.origin[-1]) + last


def forecast_from(config: Config, network: Network, starts: Starts, *, forced: bool) -> Floats:
    """(H, N, F) forecasts of the steps that follow: teacher-forced or free-running."""
    forecaster, answers = forecaster_of(config, network), []
    device = next(network.parameters()).device
    for part in np.array_split(np.arange(starts.known.shape[1]), starts.known.shape[1] // 100 + 1):
        known, truth = (
            torch.from_numpy(values[:, part]).to(device) for values in (starts.known, starts.truth)
        )
        answer_HNF = forecaster.forecast(known, len(truth), truth if forced else None)
        answers.append(answer_HNF.cpu().numpy())
    return np.concatenate(answers, axis=1)


def exposure_gap(
    config: Config, network: Network, dataset: Dataset, split: str, steps: int | None
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
