"""Naive answers for numbers: the mean, and for a time series what its own past says.

Shape letters: S steps of the series, F features, M valid targets, T time steps, p lags.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rnnexp.data.dataset import Dataset, History, Tokens, Values
from rnnexp.tasks.scaled_error import scale_weights

__all__ = ["score_numbers"]

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

# Bounds on the cost of the least squares: the last rows of the training part, the last lags.
MOST_ROWS = 50_000
MOST_REGRESSORS = 256


def score_numbers(dataset: Dataset, split: str) -> dict[str, dict[str, float]]:
    """mse, rmse and mae of each naive answer in the target's own units; of a series mase too."""
    if dataset.shape == "one_to_many":
        answers = _mean_sequences(dataset, split)
    else:
        answers = {"mean": _own(dataset, _targets(dataset, "train")).mean(axis=0)}
    if dataset.history is not None:
        past = _past_answers(dataset, dataset.history, split)
        answers |= {name: _own(dataset, answer) for name, answer in past.items()}
    truth = _own(dataset, _targets(dataset, split))
    weights = scale_weights(dataset)
    return {name: _errors(answer - truth, weights) for name, answer in answers.items()}


def _errors(error_MF: Doubles, scale_weights_F: Doubles | None) -> dict[str, float]:
    mse, absolute = float(np.square(error_MF).mean()), np.abs(error_MF)
    errors = {"mse": mse, "rmse": math.sqrt(mse), "mae": float(absolute.mean())}
    if scale_weights_F is not None:
        errors["mase"] = float((absolute @ scale_weights_F).mean())
    return errors


def _targets(dataset: Dataset, split: str) -> Doubles:
    """The valid targets (M, F) of a split, scaled."""
    return dataset.split(split).targets[dataset.counted(split)].astype(np.float64)


def _own(dataset: Dataset, values: Doubles) -> Doubles:
    """Scaled values in their own units."""
    assert isinstance(dataset.outputs, Values)
    return dataset.outputs.scaler.invert(values) if dataset.outputs.scaler else values


def _mean_sequences(dataset: Dataset, split: str) -> dict[str, Doubles]:
    """The mean of the training sequences step by step; also of each class, where one is given."""
    counted = dataset.counted(split)
    steps = counted.shape[1]
    everything = _mean_by_step(dataset, np.ones(len(dataset.train), dtype=bool), steps)
    answers = {"mean": np.broadcast_to(everything, (*counted.shape, everything.shape[-1]))[counted]}
    if isinstance(dataset.inputs, Tokens):
        by_class = np.tile(everything, (dataset.inputs.size, 1, 1))
        for label in np.unique(dataset.train.inputs):
            chosen = np.equal(dataset.train.inputs, label)
            by_class[label] = _mean_by_step(dataset, chosen, steps)
        answers["class_mean"] = by_class[dataset.split(split).inputs.astype(np.int64)][counted]
    return answers


def _mean_by_step(dataset: Dataset, chosen: NDArray[np.bool_], steps: int) -> Doubles:
    """(T, F) mean of the chosen training sequences; steps that none has get the overall mean."""
    counted = dataset.counted("train")[chosen]
    values = _own(dataset, dataset.train.targets[chosen].astype(np.float64))
    mean = np.tile(values[counted].mean(axis=0), (max(steps, counted.shape[1]), 1))
    seen: NDArray[np.bool_] = np.asarray(counted.any(axis=0))
    total = (values * counted[:, :, None]).sum(axis=0)[seen]
    mean[: len(seen)][seen] = total / counted.sum(axis=0)[seen, None]
    return mean[:steps]


def _past_answers(dataset: Dataset, history: History, split: str) -> dict[str, Doubles]:
    """(M, F) scaled answers from the series itself, for the targets of a split.

    An answer that would need steps before the series began is the last value instead.
    """
    horizon = int(dataset.record["horizon"])
    series, times = history.values.astype(np.float64), _times(dataset, split)
    last = series[times - horizon]
    answers = {"persistence": last}
    if dataset.season:
        back = math.ceil(horizon / dataset.season) * dataset.season
        unknown = times - back < history.begins[times]
        season = series[np.maximum(times - back, 0)]
        answers["seasonal"] = np.where(unknown[:, None], last, season)
    answers["linear_autoregression"] = _autoregression(dataset, history, times, horizon)
    return answers


def _times(dataset: Dataset, split: str) -> Ints:
    """(M,) at which step of the series each valid target stands."""
    origin = dataset.split(split).origin
    assert origin is not None
    if dataset.shape == "many_to_one":
        return origin
    counted = dataset.counted(split)
    times: Ints = (origin[:, None] + np.arange(counted.shape[1]))[counted]
    return times


def _autoregression(dataset: Dataset, history: History, times: Ints, horizon: int) -> Doubles:
    """Least squares on the window, with an intercept, fitted on the training targets (scaled)."""
    series, begins = history.values.astype(np.float64), history.begins
    window = dataset.train.inputs.shape[1]
    lags = min(window, max(1, MOST_REGRESSORS // series.shape[1]), len(series))
    before = horizon + lags - 1  # a window begins this many steps before its target
    windows = sliding_window_view(series, lags, axis=0)
    fitted = _times(dataset, "train")
    fitted = fitted[fitted - before >= begins[fitted]][-MOST_ROWS:]
    answer = series[times - horizon]
    if len(fitted):
        weights = np.linalg.lstsq(_regressors(windows, fitted - before), series[fitted])[0]
        whole = np.flatnonzero(times - before >= begins[times])
        for rows in np.array_split(whole, len(whole) // MOST_ROWS + 1):
            answer[rows] = _regressors(windows, times[rows] - before) @ weights
    return answer


def _regressors(windows: Doubles, begins: Ints) -> Doubles:
    """(M, F * p + 1): the windows that begin at these steps, and 1 for the intercept."""
    flat = windows[begins].reshape(len(begins), -1)
    return np.concatenate([flat, np.ones((len(flat), 1))], axis=1)
