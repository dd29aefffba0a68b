"""Prediction intervals from what a model missed on examples that did not train it.

Shape letters: M targets, O columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.data.dataset import Dataset
from rnnexp.errors import EnvironmentMissingError

__all__ = [
    "LEVELS",
    "Intervals",
    "check_text_scores",
    "column_scores",
    "scale_weights",
    "text_scores",
]


# The errors of each predicted column by itself, in its own units.

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


# Text against text: BLEU (Papineni et al. 2002) and chrF (Popović 2015), by sacrebleu.
#
# A hypothesis is its tokens put together again (`Tokens.text`); the reference is the text as it
# was written. Both scores are of a whole split, from 0 to 100; BLEU cuts both into words its own
# way (tokenize 13a), so that it compares with published numbers.


def check_text_scores() -> None:
    """Before the training that would end with these scores.

    Raises:
        EnvironmentMissingError: sacrebleu is not installed.
    """
    try:
        import sacrebleu  # noqa: F401
    except ImportError:
        raise EnvironmentMissingError(
            "BLEU and chrF come with sacrebleu, which is not installed",
            code="ENV103",
            key="task.alignment",
            value="delayed",
            hint='pip install "rnnexp[text]"',
        ) from None


def text_scores(hypotheses: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """`bleu` and `chrf` of a whole split, 0 to 100."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return {
        "bleu": float(BLEU(tokenize="13a").corpus_score(hypotheses, [references]).score),
        "chrf": float(CHRF().corpus_score(hypotheses, [references]).score),
    }


# The mean absolute scaled error of a forecast (Hyndman and Koehler 2006, section 3).
#
# The error in units of what the naive forecast errs within the training part: below 1, the
# forecast beats it. Shape letters: M targets, O columns.


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


# Prediction intervals from what a model missed on examples that did not train it.
#
# A forecast's interval is the forecast plus two quantiles of the residuals, target - prediction,
# of the validation part, column by column, in own units. It promises its share of the targets only
# as far as later errors are like those (Hyndman and Athanasopoulos 2021, section 5.5).

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
