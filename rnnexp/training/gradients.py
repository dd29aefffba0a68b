"""From batches to gradients: full backpropagation with accumulation, or truncated windows.

Full backpropagation in segments is the network's own affair (`segments.py`).

A loss is the sum over the valid targets divided by their number over the whole update, so that
padding, short batches and accumulation change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnexp.config.training_settings import Training, Truncated
from rnnexp.data.batches import Batch, Batches, condition_of, placed, teacher_of
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.layers.stack import StackState
from rnnexp.tasks.many_to_one import ManyToOneTask
from rnnexp.tasks.task import Task
from rnnexp.training.bptt import TruncatedUnroller
from rnnexp.training.device import autocast
from rnnexp.training.segments import in_segments
from rnnexp.training.teacher import Teacher

__all__ = ["Gradients", "Pending"]


@dataclass(frozen=True)
class Pending:
    """An update whose gradient lies in the parameters: its loss, and what it was computed from.

    loss: (), on the device, not yet read.
    """

    loss: Tensor
    tokens: int
    rows: NDArray[np.int64]


class Gradients:
    """Iterates over the updates of an epoch; the caller applies each gradient before the next."""

    def __init__(
        self, config: Training, network: AnyNetwork, task: Task, device: torch.device
    ) -> None:
        self.network, self.task, self.device = in_segments(network, config.bptt), task, device
        self.accumulate, self.precision = config.accumulate, config.precision
        # One answer at the end has a single window, the whole sequence: nothing to truncate.
        self.unroller: TruncatedUnroller | None = None
        if isinstance(config.bptt, Truncated) and not isinstance(task, ManyToOneTask):
            self.unroller = TruncatedUnroller(config.bptt)
        self.forcing = config.teacher_forcing
        self.batch = 0

    def rewind(self) -> None:
        """Stand before the first batch of an epoch, with no state carried."""
        self.batch = 0
        if self.unroller is not None:
            self.unroller.reset()

    def of_epoch(
        self, batches: Batches, number: int, *, from_start: bool = True
    ) -> Iterator[Pending]:
        """Every update of an epoch, its gradient ready; `batch` counts the batches done.

        from_start: otherwise those after batch `batch` and the window that the unroller is at.
        """
        if from_start:
            self.rewind()
        ready = placed(batches.epoch(number, self.batch), self.device)
        if self.forcing is not None:
            teacher = Teacher(self.forcing, batches.dataset.outputs)
            ready = (teacher.attach(batch, number) for batch in ready)
        if self.unroller is None:
            while group := list(islice(ready, self.accumulate)):
                pending = self._full(group)
                self.batch += len(group)
                yield pending
        else:
            for batch in ready:
                yield from self._truncated(self.unroller, batch)
                self.batch += 1

    def first_state(self, batch: Batch) -> StackState:
        """The state after the first step of a batch, from which no gradient flows."""
        with torch.no_grad():
            _, state = self._forward(batch.inputs[:1], None, None, condition_of(batch))
        return state

    def _full(self, group: list[Batch]) -> Pending:
        count = sum(batch.count for batch in group)
        losses = []
        for batch in group:
            output, _ = self._forward(
                batch.inputs, None, batch.lengths, condition_of(batch), teacher_of(batch)
            )
            losses.append(self._backward(output, batch, count))
        rows = [batch.rows for batch in group]
        whole = rows[0] if len(rows) == 1 else np.concatenate(rows)
        return Pending(_total(losses), sum(batch.steps for batch in group), whole)

    def _truncated(self, unroller: TruncatedUnroller, batch: Batch) -> Iterator[Pending]:
        for output, window in unroller.windows(self._forward, batch):
            loss = self._backward(output, window, window.count)
            yield Pending(loss, window.steps, batch.rows)

    def _forward(self, *arguments: Any) -> tuple[Tensor, StackState]:
        if self.precision == "float32":
            return self.network(*arguments)  # type: ignore[no-any-return]
        with autocast(self.device, self.precision):
            result: tuple[Tensor, StackState] = self.network(*arguments)
        return result

    def _backward(self, output: Tensor, batch: Batch, count: int) -> Tensor:
        loss = self.task.loss(output.float(), batch) / count
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()


def _total(losses: list[Tensor]) -> Tensor:
    return losses[0] if len(losses) == 1 else torch.stack(losses).sum()
