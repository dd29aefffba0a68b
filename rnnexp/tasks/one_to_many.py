"""One-to-many: one thing in, a sequence out.

In training every step reads the true previous answer; in scoring the sequence is also generated
freely, each step reading the network's own previous answer, because that is how it will be used.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from rnnexp.data.batches import Batch
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.layers.stack import StackState
from rnnexp.tasks.free_running import greedily
from rnnexp.tasks.many_to_many import flatten
from rnnexp.tasks.objective import Objective, Regression
from rnnexp.tasks.task import Score, Task

__all__ = ["OneToManyTask", "generate"]


class OneToManyTask(Task):
    """Shapes: output (T, B, O); targets (T, B, O) values or (T, B) tokens; condition (B, ...).

    Tokens: `exact_match` is the share of sequences that greedy decoding gets wholly right, up to
    and with the end token. Values: mse, rmse and mae are those of the freely generated sequence;
    the loss is that of the next step after the true ones.
    """

    def __init__(self, objective: Objective, end: int | None) -> None:
        super().__init__(objective)
        self.end = end

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        return self.objective.loss(*flatten(output, batch))

    def score(
        self, network: AnyNetwork, batch: Batch, state: StackState | None
    ) -> tuple[Score, StackState]:
        output_TBO, state = network(batch.inputs, None, batch.lengths, batch.condition)
        sums = self.objective.sums(*flatten(output_TBO.float(), batch))
        classes = not isinstance(self.objective, Regression)
        free = generate(network, batch, classes)
        if not classes:
            free_sums = self.objective.sums(*flatten(free.float(), batch))
            sums |= {name: free_sums[name] for name in ("squared", "absolute")}
        else:
            right_TB = free == batch.targets
            if batch.mask is not None:
                right_TB |= batch.mask == 0
            sums["exact"] = float(right_TB.all(0).sum())
            sums["sequences"] = float(right_TB.shape[1])
        return Score(sums, batch.count, free), state

    def metrics(self, score: Score) -> Mapping[str, float]:
        metrics = dict(super().metrics(score))
        if "exact" in score.sums:
            metrics["exact_match"] = score.sums["exact"] / score.sums["sequences"]
        return metrics


def generate(network: AnyNetwork, batch: Batch, classes: bool) -> Tensor:
    """The sequence that follows from the batch's condition, greedily: (T, B) ids or (T, B, O)."""
    return greedily(network, batch.inputs[:1], len(batch.targets), batch.condition, classes)
