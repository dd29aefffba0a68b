"""Many-to-many, aligned: a sequence in, an answer at every step."""

from __future__ import annotations

from torch import Tensor

from rnnexp.data.batches import Batch
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.layers.stack import StackState
from rnnexp.tasks.task import Score, Task

__all__ = ["ManyToManyTask", "flatten"]


class ManyToManyTask(Task):
    """Shapes: output (T, B, O); targets (T, B, O) values or (T, B) classes."""

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        return self.objective.loss(*flatten(output, batch))

    def score(
        self, network: AnyNetwork, batch: Batch, state: StackState | None
    ) -> tuple[Score, StackState]:
        output_TBO, state = network(batch.inputs, state, batch.lengths)
        output_TBO = output_TBO.float()
        judged = flatten(output_TBO, batch)
        sums, counts = self.objective.sums(*judged), self.objective.class_counts(*judged)
        return Score(sums, batch.count, output_TBO, counts), state


def flatten(output_TBO: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor | None]:
    """Output (T*B, O), targets (T*B, O) or (T*B,), mask (T*B,)."""
    mask_M = None if batch.mask is None else batch.mask.flatten()
    return output_TBO.flatten(0, 1), batch.targets.flatten(0, 1), mask_M
