"""Prediction intervals from what a model missed on examples that did not train it.

A forecast's interval is the forecast plus two quantiles of the residuals, target - prediction, of
the validation part, column by column, in own units. It promises its share of the targets only as
far as later errors are like those (Hyndman and Athanasopoulos 2021, section 5.5).

Shape letters: M targets, O columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEVELS", "Intervals"]

Doubles = NDArray[np.float64]
Bounds = tuple[Doubles, Doubles]

LEVELS = (50, 80, 95)
"""per cent of the targets that an interval is to hold"""


@dataclass(frozen=True)
class Intervals:
    """Level in per cent -> the residuals (O,) that bound its middle share, below and above."""

    bounds: Mapping[int, Bounds]

    @classmethod
    def fit(cls, residuals_MO: Doubles) -> Intervals:
        """The quantiles of at least one residual."""
        shares = {level: (0.5 - level / 200, 0.5 + level / 200) for level in LEVELS}
        return cls(
            {
                level: (low_O, high_O)
                for level, share in shares.items()
                for low_O, high_O in [np.quantile(residuals_MO, share, axis=0)]
            }
        )

    def around(self, prediction: Doubles, level: int) -> Bounds:
        """The ends of the interval of a prediction (..., O), shaped like it."""
        low_O, high_O = self.bounds[level]
        return prediction + low_O, prediction + high_O

    def coverage(self, target_MO: Doubles, prediction_MO: Doubles) -> dict[str, float]:
        """Which share of the targets, 0..1, lies within the interval of each level."""
        shares = {}
        for level in self.bounds:
            low_MO, high_MO = self.around(prediction_MO, level)
            within_MO = (low_MO <= target_MO) & (target_MO <= high_MO)
            shares[str(level)] = float(within_MO.mean())
        return shares

    def to_json(self) -> dict[str, Any]:
        """Per level `low` and `high`, a number a column."""
        return {
            str(level): {"low": low_O.tolist(), "high": high_O.tolist()}
            for level, (low_O, high_O) in self.bounds.items()
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Intervals:
        """From what `to_json` gave. Raises KeyError, TypeError, ValueError for anything else."""
        return cls(
            {
                int(level): (np.array(ends["low"], float), np.array(ends["high"], float))
                for level, ends in record.items()
            }
        )
