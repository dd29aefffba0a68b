"""The errors of each predicted column by itself, in its own units.

Shape letters: M targets, O columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnexp.data.dataset import Dataset

__all__ = ["column_names", "column_scores"]

Doubles = NDArray[np.float64]


def column_names(dataset: Dataset) -> tuple[str, ...]:
    """The names of the predicted columns, or their numbers from 1."""
    names: tuple[str, ...] = getattr(dataset.outputs, "names", ())
    return names or tuple(str(1 + column) for column in range(dataset.outputs.size))


def column_scores(
    dataset: Dataset, target_MO: Doubles, prediction_MO: Doubles
) -> dict[str, dict[str, float | None]]:
    """rmse and mae by column; of a time series mase, None where nothing is to scale by."""
    error_MO = prediction_MO - target_MO
    rmse_O, mae_O = np.sqrt(np.square(error_MO).mean(axis=0)), np.abs(error_MO).mean(axis=0)
    scores: dict[str, dict[str, float | None]] = {}
    for column, name in enumerate(column_names(dataset)):
        mae = float(mae_O[column])
        scores[name] = {"rmse": float(rmse_O[column]), "mae": mae}
        if dataset.naive_mae is not None:
            naive = float(dataset.naive_mae[column])
            scores[name]["mase"] = mae / naive if naive else None
    return scores
