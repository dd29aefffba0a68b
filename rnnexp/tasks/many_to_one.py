"""Many-to-one: a sequence in, one answer out, read off the last valid state of the top layer."""

from __future__ import annotations

from torch import Tensor

from rnnexp.data.batches import Batch
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.layers.stack import StackState
from rnnexp.tasks.task import Score, Task

__all__ = ["ManyToOneTask"]


class ManyToOneTask(Task):
    """Shapes: output (B, O); targets (B, O) values or (B,) classes."""

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        return self.objective.loss(output, batch.targets, None)

    def score(
        self, network: AnyNetwork, batch: Batch, state: StackState | None
    ) -> tuple[Score, StackState]:
        output_BO, state = network(batch.inputs, state, batch.lengths)
        output_BO = output_BO.float()
        judged = (output_BO, batch.targets, None)
        sums, counts = self.objective.sums(*judged), self.objective.class_counts(*judged)
        return Score(sums, batch.count, output_BO, counts), state
