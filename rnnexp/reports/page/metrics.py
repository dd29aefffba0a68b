"""Which metric is told of, and the naive answer that a network must beat there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rnnexp.config.metrics import larger_is_better
from rnnexp.reports.runs import RunRow

__all__ = ["Naive", "headline", "strongest", "words"]

PREFERRED = ("rmse", "accuracy", "bleu", "exact_match", "loss")


@dataclass(frozen=True)
class Naive:
    """A naive answer and its score."""

    name: str
    score: float


def headline(rows: Sequence[RunRow]) -> str | None:
    """The test metric to tell first: the monitor's twin, or one that naive answers have too."""
    row = next((row for row in rows if row.metrics), None)
    if row is None:
        return None
    twin = f"test/{(row.monitor or '').partition('/')[2]}"
    naive = {name for scores in row.baselines.values() for name in scores}
    wanted = [twin, *(f"test/{name}" for name in PREFERRED)]
    shared = (name for name in wanted if name in row.metrics and name in naive)
    return next(shared, row.test_metric)


def strongest(baselines: Mapping[str, Mapping[str, float]], metric: str) -> Naive | None:
    """The best of the naive answers by a metric; None where none has it."""
    scores = [
        Naive(name, found[metric])
        for name, found in baselines.items()
        if metric in found and math.isfinite(found[metric])
    ]
    if not scores:
        return None
    choose = max if larger_is_better(metric) else min
    return choose(scores, key=lambda naive: naive.score)


def words(name: str) -> str:
    """`linear_autoregression` as people write it."""
    return name.replace("_", " ")
