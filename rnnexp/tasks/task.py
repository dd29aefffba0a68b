"""What the three task shapes have in common: a loss per batch, and a score per batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rnnexp.data.batches import Batch
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.layers.stack import StackState
from rnnexp.tasks.confusion import macro_f1
from rnnexp.tasks.objective import Objective

__all__ = ["Score", "Task"]


@dataclass
class Score:
    """Sums over the valid targets of some batches; `add` them up, then ask for the metrics.

    class_counts: (3, O) right answers, answers and targets of each class, where they are counted.
    output: what was judged in the last batch, shaped like its targets with O last.
    records: what was written beside the truth, one object for each sequence of a delayed task.
    """

    sums: dict[str, float] = field(default_factory=dict)
    count: int = 0
    output: Tensor | None = None
    class_counts: NDArray[np.int64] | None = None
    records: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: Score) -> None:
        for name, value in other.sums.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += other.count
        self.output = other.output
        if other.class_counts is not None:
            before = 0 if self.class_counts is None else self.class_counts
            self.class_counts = before + other.class_counts
        self.records += other.records


class Task(ABC):
    """One task shape with one objective."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective

    @abstractmethod
    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """The loss of the network's output, summed over the batch's valid targets."""

    def final(self) -> Task:
        """The task as it judges a finished network, where that takes longer than a validation."""
        return self

    @abstractmethod
    def score(
        self, network: AnyNetwork, batch: Batch, state: StackState | None
    ) -> tuple[Score, StackState]:
        """Run the network on a batch and judge it; also the state to carry on with."""

    def metrics(self, score: Score) -> Mapping[str, float]:
        """The metrics of a whole split."""
        metrics = self.objective.metrics(score.sums, score.count)
        if score.class_counts is not None:
            metrics["macro_f1"] = macro_f1(score.class_counts)
        return metrics
