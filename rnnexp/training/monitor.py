"""Which way a metric is better."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Monitor", "larger_is_better"]


# The monitored metric: it chooses the best checkpoint, stops early and moves `plateau`.


@dataclass
class Monitor:
    """Follows one validation metric from epoch to epoch.

    best: the best value, which chooses the checkpoint. patience: epochs without an improvement by
    more than `min_delta` over `reference` before `exhausted`; None waits for ever.
    """

    name: str
    mode: str
    min_delta: float = 0.0
    patience: int | None = None
    best: float | None = None
    reference: float | None = None
    latest: float | None = None
    waited: int = 0

    def improved(self, metrics: Mapping[str, float]) -> bool:
        """Whether this epoch's metric is the best so far."""
        value = self.latest = metrics[self.name]
        if self._gain(self.reference, value) > self.min_delta:
            self.reference, self.waited = value, 0
        else:
            self.waited += 1
        better = self._gain(self.best, value) > 0
        self.best = value if better else self.best
        return better

    def _gain(self, before: float | None, value: float) -> float:
        if before is None:
            return math.inf
        return value - before if self.mode == "max" else before - value

    @property
    def exhausted(self) -> bool:
        return self.patience is not None and self.waited >= self.patience

    def state(self) -> dict[str, float | int | None]:
        """What a checkpoint needs to go on."""
        return {
            "best": self.best,
            "reference": self.reference,
            "latest": self.latest,
            "waited": self.waited,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.best, self.reference = state["best"], state["reference"]
        self.latest, self.waited = state["latest"], state["waited"]


# Which way a metric is better.

LARGER = frozenset({"accuracy", "bleu", "chrf", "exact_match", "macro_f1"})


def larger_is_better(name: str) -> bool:
    """Whether more of a metric is better; `name` is as in `accuracy` or `test/accuracy`."""
    return name.rpartition("/")[2] in LARGER
