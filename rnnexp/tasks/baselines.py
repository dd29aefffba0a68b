"""Naive answers to the same question, fitted on the training part and scored on the same split.

A trained network that does not beat these has learned nothing. Masked and padded steps never count.
"""

from __future__ import annotations

from rnnexp.data.dataset import Dataset, Values
from rnnexp.tasks.naive_classes import score_classes
from rnnexp.tasks.naive_numbers import score_numbers

__all__ = ["baselines"]


def baselines(dataset: Dataset, split: str = "test") -> dict[str, dict[str, float]]:
    """Metrics of every naive answer that fits the data, by its name.

    Numbers: mse, rmse and mae in the target's own units, mase of a time series. Classes: loss
    (cross-entropy in nats per valid step), accuracy and macro_f1; perplexity and bits_per_unit for
    language models; exact_match for generated sequences, and bleu and chrf where those are text.
    `know_nothing` comes from theory, where there is one.
    """
    known = {"know_nothing": dict(dataset.know_nothing)} if dataset.know_nothing else {}
    score = score_numbers if isinstance(dataset.outputs, Values) else score_classes
    return known | score(dataset, split)
