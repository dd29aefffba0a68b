"""The whole network: tokens or values in, a stack of recurrent layers, a linear output layer.

Shape letters: T time, B batch, I input, H hidden, O output, V vocabulary, C condition.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnnexp.layers.cells import CellState
from rnnexp.layers.direction import Teacher
from rnnexp.layers.padding import pool
from rnnexp.layers.stack import Stack, StackState

__all__ = ["Bridge", "Dropouts", "Network", "OneHot"]


class OneHot(nn.Module):
    """Token ids (...) -> one-hot vectors (..., V)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("one", torch.ones(()), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        return F.one_hot(ids, self.size).to(self.get_buffer("one").dtype)


class Bridge(nn.Module):
    """From the condition (B, C) to the initial state of every layer: s_0 = tanh(W_cs c + b_s)."""

    def __init__(self, condition_size: int, hidden_sizes: tuple[int, ...], states: int) -> None:
        super().__init__()
        self.hidden_sizes, self.states = hidden_sizes, states
        self.linear = nn.Linear(condition_size, states * sum(hidden_sizes))

    def forward(self, condition_BC: Tensor) -> StackState:
        s_B = self.linear(condition_BC).tanh()
        sizes = [size for size in self.hidden_sizes for _ in range(self.states)]
        parts = s_B.split(sizes, dim=-1)
        return tuple(
            cast("CellState", parts[i : i + self.states]) for i in range(0, len(parts), self.states)
        )


class Dropouts(nn.Module):
    """What a network drops around its recurrent layers: tokens, inputs, what the head reads."""

    def __init__(
        self, words: nn.Module | None = None, inputs: float = 0.0, outputs: float = 0.0
    ) -> None:
        super().__init__()
        self.words = words or nn.Identity()
        self.inputs = nn.Dropout(inputs) if inputs else nn.Identity()
        self.outputs = nn.Dropout(outputs) if outputs else nn.Identity()


class Network(nn.Module):
    """encode -> stack -> pool -> head, with an optional condition for one-to-many.

    encode: token ids (T, B) -> (T, B, I), or the identity on values (T, B, I).
    pooling: mean or max over the valid steps, for one answer from a stack that returns its
        sequence; otherwise the head reads what the stack returns.
    head: linear, or the identity where the top layer feeds its output back and so is the output.
    condition: the one thing that a sequence is generated from, (B, C), class ids (B,) or images
        (B, channels, height, width); encoded, it sets the initial state through a bridge, or is
        appended to the input of every step.
    """

    def __init__(  # noqa: PLR0917
        self,
        encode: nn.Module,
        stack: Stack,
        head: nn.Linear | nn.Identity,
        encode_condition: nn.Module | None = None,
        bridge: Bridge | None = None,
        pooling: str = "last",
        dropouts: Dropouts | None = None,
    ) -> None:
        super().__init__()
        self.encode, self.stack, self.head = encode, stack, head
        self.encode_condition, self.bridge = encode_condition, bridge
        self.pooling, self.dropouts = pooling, dropouts or Dropouts()

    def forward(
        self,
        inputs: Tensor,
        state: StackState | None = None,
        lengths_B: Tensor | None = None,
        condition: Tensor | None = None,
        teacher: Teacher | None = None,
    ) -> tuple[Tensor, StackState]:
        """Outputs (T, B, O), or (B, O) where the stack returns no sequence, and the last state.

        teacher: the true previous outputs, where the top layer feeds its own back.
        """
        state, appended_BC = self.told(state, condition)
        h, last = self.read(inputs, state, lengths_B, appended_BC, teacher)
        if self.pooling != "last":
            h = pool(h, lengths_B, self.pooling)
        return self.answer(h), last

    def told(
        self, state: StackState | None, condition: Tensor | None
    ) -> tuple[StackState | None, Tensor | None]:
        """The first state, and what every step reads besides its input, (B, C) or None."""
        if condition is None or self.encode_condition is None:
            return state, None
        if self.bridge is None:
            return state, self.encode_condition(condition)
        return (self.bridge(self.encode_condition(condition)) if state is None else state), None

    def read(
        self,
        inputs: Tensor,
        state: StackState | None,
        lengths_B: Tensor | None,
        appended_BC: Tensor | None,
        teacher: Teacher | None,
    ) -> tuple[Tensor, StackState]:
        """What the stack returns, and its last state."""
        x_TBI = self.dropouts.inputs(self.encode(self.dropouts.words(inputs)))
        if appended_BC is not None:
            x_TBI = _append(x_TBI, appended_BC)
        found: tuple[Tensor, StackState] = self.stack(x_TBI, state, lengths_B, teacher)
        return found

    def answer(self, h: Tensor) -> Tensor:
        """What the head makes of what the stack returned."""
        output: Tensor = self.head(self.dropouts.outputs(h))
        return output

    def reading_numbers(self) -> Network:
        """The same modules without what encodes the tokens: it reads what that would return."""
        return Network(
            nn.Identity(),
            self.stack,
            self.head,
            self.encode_condition,
            self.bridge,
            self.pooling,
        )


def _append(x_TBI: Tensor, condition_BC: Tensor) -> Tensor:
    return torch.cat([x_TBI, condition_BC.expand(len(x_TBI), -1, -1)], dim=-1)
