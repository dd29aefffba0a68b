"""Backpropagation through time, full or truncated (Williams and Peng 1990).

Truncated: every k1 steps one update, whose losses send gradient back at most k2 steps. With
k2 > k1 the k2 - k1 steps before a window are run again from the state that was stored there.

      stored state          losses of this window
           v               |----------- k1 ------------|
    -------|---- k2 - k1 --|---------------------------|------> time
           |---------------- forward run --------------|
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rnnexp.config.training_settings import Truncated
from rnnexp.data.batches import Batch, teacher_of
from rnnexp.layers.stack import StackState

__all__ = ["Carried", "TruncatedUnroller", "detach", "rows"]


Forward = Callable[..., tuple[Tensor, StackState]]


@dataclass(frozen=True)
class Carried:
    """Where the next window begins: the inputs of the last k2 - k1 steps, the state before them."""

    history: Tensor
    state: StackState | None


class TruncatedUnroller:
    """Yields, window by window, an output whose graph is at most k2 steps deep.

    The caller backpropagates and updates between two windows. With `carry_state` the last state of
    a batch begins the next one (the rows of consecutive batches are consecutive windows of one
    stream; rows are only ever lost at the end); `reset` forgets it. `window` counts the windows
    of the batch that are done, and `carried` is where the next one begins.
    """

    def __init__(self, settings: Truncated) -> None:
        self.k1, self.back = settings.k1, settings.k2 - settings.k1
        self.carry_state = settings.carry_state
        self.carried: Carried | None = None
        self.window = 0

    def reset(self) -> None:
        """Forget the state: the next batch starts its streams anew."""
        self.carried, self.window = None, 0

    def windows(self, network: Forward, batch: Batch) -> Iterator[tuple[Tensor, Batch]]:
        """Output (k1, B, O) and the batch's share of each window; the last one may be short.

        Begins with window number `window`, which is the first unless the middle of a batch was
        brought back.
        """
        start = self.carried if self.carry_state or self.window else None
        carried = start or Carried(batch.inputs[:0], None)
        carried = _first_rows(carried, batch.inputs.shape[1])
        for begin in range(self.window * self.k1, len(batch.inputs), self.k1):
            window = batch.window(begin, begin + self.k1)
            output, carried = self._run(network, window, carried)
            carried = self.carried = Carried(carried.history, detach(carried.state))
            self.window = begin // self.k1 + 1
            if window.count:
                yield output, window
        self.window = 0

    def _run(self, network: Forward, window: Batch, carried: Carried) -> tuple[Tensor, Carried]:
        """Forward over history and window, keeping the state where the next history begins."""
        inputs = torch.cat([carried.history, window.inputs]) if self.back else window.inputs
        split = max(len(inputs) - self.back, 0)
        state, kept, outputs = carried.state, carried.state, []
        if split:
            forced = () if self.back else (teacher_of(window),)
            output, state = network(inputs[:split], state, None, window.condition, *forced)
            kept = state
            outputs.append(output)
        if split < len(inputs):
            output, _ = network(inputs[split:], state, None, window.condition)
            outputs.append(output)
        whole = outputs[0] if len(outputs) == 1 else torch.cat(outputs)
        # A view, even an empty one, would keep the whole batch until the next window.
        return whole[-len(window.inputs) :], Carried(inputs[split:].clone(), kept)


def detach(state: StackState | None) -> StackState | None:
    """The same state without its history."""
    if state is None:
        return None
    return tuple(tuple(s_BH.detach() for s_BH in layer) for layer in state)


def rows(state: StackState | None, count: int) -> StackState | None:
    """The state of the first `count` rows of the batch."""
    if state is None:
        return None
    return tuple(tuple(s_BH[:count] for s_BH in layer) for layer in state)


def _first_rows(carried: Carried, count: int) -> Carried:
    return Carried(carried.history[:, :count], rows(carried.state, count))
