"""Full backpropagation through time in little memory: one segment's activations at a time.

    |---- every ----|---- every ----|---- every ----|--> time
    ^               ^               ^
    states that are kept, beside the answers; the rest of a segment is computed again when the
    gradient comes to it

Shape letters: T time, B batch, C condition, H hidden, O output.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from rnnexp.config.schema.training import Backpropagation, Checkpointed
from rnnexp.layers.direction import Teacher
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.layers.network import Network
from rnnexp.layers.padding import pool
from rnnexp.layers.stack import StackState
from rnnexp.training.replay import Run, replayed

__all__ = ["Segments", "in_segments"]


def in_segments(network: AnyNetwork, bptt: Backpropagation) -> AnyNetwork:
    """The network as `training.bptt` has it run: in one go, or segment by segment."""
    if not isinstance(bptt, Checkpointed):
        return network
    assert isinstance(network, Network), "was not checked"
    return Segments(network, bptt.checkpoint_every)


class Segments(Network):
    """The modules of a network, which read `every` time steps at a time.

    Outputs are those of the network to rounding, and so are gradients; what is dropped is drawn
    anew for every segment. Pooling keeps what the top layer returns at every step.
    """

    def __init__(self, network: Network, every: int) -> None:
        super().__init__(
            network.encode,
            network.stack,
            network.head,
            network.encode_condition,
            network.bridge,
            network.pooling,
            network.dropouts,
        )
        self.every = every
        self.answers_each_step = network.stack.return_sequences and network.pooling == "last"
        self.trained = [each for each in self.parameters() if each.requires_grad]
        self.train(network.training)

    def forward(
        self,
        inputs: Tensor,
        state: StackState | None = None,
        lengths_B: Tensor | None = None,
        condition: Tensor | None = None,
        teacher: Teacher | None = None,
    ) -> tuple[Tensor, StackState]:
        """As the network's. A batch no longer than a segment is run as the network runs it."""
        if len(inputs) <= self.every:
            return super().forward(inputs, state, lengths_B, condition, teacher)
        state, appended_BC = self.told(state, condition)
        found: list[Tensor] = []
        for start in range(0, len(inputs), self.every):
            stop = start + self.every
            run = partial(self._run, _within(lengths_B, start, stop), _part(teacher, start, stop))
            h, state = self._segment(run, inputs[start:stop], appended_BC, state)
            if self.stack.return_sequences:
                found.append(h)
            else:
                found = [_newer(h, found, lengths_B, start)]
        assert state is not None
        return self._joined(found, lengths_B), state

    def _segment(
        self, run: Run, inputs: Tensor, appended_BC: Tensor | None, state: StackState | None
    ) -> tuple[Tensor, StackState]:
        parts = () if state is None else tuple(part for layer in state for part in layer)
        if torch.is_grad_enabled():
            h, *last = replayed(run, self.trained, inputs, appended_BC, *parts)
        else:
            h, *last = run(inputs, appended_BC, *parts)
        return h, self._by_layer(tuple(last))

    def _run(
        self,
        lengths_B: Tensor | None,
        teacher: Teacher | None,
        inputs: Tensor,
        appended_BC: Tensor | None,
        *parts: Tensor,
    ) -> tuple[Tensor, ...]:
        """What a segment is asked for, and the parts of its last state."""
        state = self._by_layer(parts) if parts else None
        h, last = self.read(inputs, state, lengths_B, appended_BC, teacher)
        asked = self.answer(h) if self.answers_each_step else h
        return asked, *(part for layer in last for part in layer)

    def _by_layer(self, parts: tuple[Tensor, ...]) -> StackState:
        count = len(parts) // len(self.stack.layers)
        return tuple(parts[i : i + count] for i in range(0, len(parts), count))

    def _joined(self, found: list[Tensor], lengths_B: Tensor | None) -> Tensor:
        """Answers (T, B, O), or the one answer (B, O)."""
        if self.answers_each_step:
            return torch.cat(found)
        h = found[0] if self.pooling == "last" else pool(torch.cat(found), lengths_B, self.pooling)
        return self.answer(h)


def _within(lengths_B: Tensor | None, start: int, stop: int) -> Tensor | None:
    """How many steps of a segment each sequence has, one where it has none."""
    return None if lengths_B is None else (lengths_B - start).clamp(1, stop - start)


def _part(teacher: Teacher | None, start: int, stop: int) -> Teacher | None:
    return None if teacher is None else (teacher[0][start:stop], teacher[1][start:stop])


def _newer(h_BH: Tensor, found: list[Tensor], lengths_B: Tensor | None, start: int) -> Tensor:
    """The state after each sequence's last step so far."""
    if lengths_B is None or not found:
        return h_BH
    return torch.where((lengths_B > start).unsqueeze(1), h_BH, found[0])
