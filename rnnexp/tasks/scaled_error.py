"""The mean absolute scaled error of a forecast (Hyndman and Koehler 2006, section 3).

The error in units of what the naive forecast errs within the training part: below 1, the forecast
beats it. Shape letters: M targets, O columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnexp.data.dataset import Dataset

__all__ = ["scale_weights"]


def scale_weights(dataset: Dataset) -> NDArray[np.float64] | None:
    """(O,) weights so that |error| (M, O) @ weights, averaged over M, is the scaled error.

    It is the mean over the columns; one that the naive forecast knows exactly, as a constant, does
    not count. None where there is nothing to scale by.
    """
    naive_O = dataset.naive_mae
    if naive_O is None:
        return None
    usable = naive_O > 0
    weights_O = np.zeros(len(naive_O))
    weights_O[usable] = 1 / naive_O[usable] / usable.sum()
    return weights_O
