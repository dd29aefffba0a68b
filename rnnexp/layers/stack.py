"""Stacked recurrent layers, in one or two directions, each told whether to return its sequence.

Shape letters: T time, B batch, I input, H hidden, D directions. Everything is time-major.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from rnnexp.layers.cells import CellState
from rnnexp.layers.direction import Direction, Teacher
from rnnexp.layers.padding import reverse, take_last

__all__ = ["Merge", "RecurrentLayer", "Stack", "StackState", "merge_directions"]

Merge = Literal["concat", "sum", "mean"]
StackState = tuple[CellState, ...]


class RecurrentLayer(nn.Module):
    """One layer of the stack: a forward reader, and with `bidirectional` a backward one.

    Returns the sequence (T, B, H or 2H), or with return_sequences false the final valid state of
    each direction (B, H or 2H), which is not the output at the last column of a padded batch.
    """

    def __init__(
        self,
        forward_reader: Direction,
        backward_reader: Direction | None,
        merge: Merge,
        return_sequences: bool,
    ) -> None:
        super().__init__()
        self.forward_reader, self.backward_reader = forward_reader, backward_reader
        self.merge, self.return_sequences = merge, return_sequences

    @property
    def output_size(self) -> int:
        doubled = self.backward_reader is not None and self.merge == "concat"
        return self.forward_reader.output_size * (2 if doubled else 1)

    def forward(
        self,
        x_TBI: Tensor,
        state: CellState | None = None,
        lengths_B: Tensor | None = None,
        teacher: Teacher | None = None,
    ) -> tuple[Tensor, CellState]:
        """The layer's output and the forward reader's last state.

        teacher: the true previous outputs, for a layer that feeds its output back.
        """
        h_TBH, last = self.forward_reader(x_TBI, state, teacher)
        outputs = [h_TBH if self.return_sequences else self._end(h_TBH, last, lengths_B)]
        if self.backward_reader is not None:
            back_TBH, first = self.backward_reader(reverse(x_TBI, lengths_B))
            if self.return_sequences:
                outputs.append(reverse(back_TBH, lengths_B))
            else:
                outputs.append(self._end(back_TBH, first, lengths_B))
        return merge_directions(outputs, self.merge), last

    def _end(self, h_TBH: Tensor, last: CellState, lengths_B: Tensor | None) -> Tensor:
        """The output at the last valid step; the state is it already where h is fed back."""
        if lengths_B is None and self.forward_reader.recurrence == "hidden_to_hidden":
            return last[0]
        return take_last(h_TBH, lengths_B)

    def read(self, x_TBI: Tensor, lengths_B: Tensor) -> tuple[Tensor, tuple[CellState, ...]]:
        """The whole sequence (T, B, H or 2H), and each direction's state after its last valid step.

        What is returned at padded steps means nothing.
        """
        h_TBH, last = self.forward_reader(x_TBI, lengths_B=lengths_B)
        if self.backward_reader is None:
            return h_TBH, (last,)
        reversed_TBI = reverse(x_TBI, lengths_B)
        back_TBH, first = self.backward_reader(reversed_TBI, lengths_B=lengths_B)
        outputs = [h_TBH, reverse(back_TBH, lengths_B)]
        return merge_directions(outputs, self.merge), (last, first)


class Stack(nn.Module):
    """Recurrent layers one on another, dropout between them."""

    def __init__(self, layers: Sequence[RecurrentLayer], dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.dropout = nn.Dropout(dropout) if dropout else None
        self.output_size = layers[-1].output_size
        self.return_sequences = layers[-1].return_sequences

    def forward(
        self,
        x_TBI: Tensor,
        state: StackState | None = None,
        lengths_B: Tensor | None = None,
        teacher: Teacher | None = None,
    ) -> tuple[Tensor, StackState]:
        """What the top layer returns, and every layer's last state; only the top one is forced."""
        last, top = [], len(self.layers) - 1
        for index, layer in enumerate(self.layers):
            if index and self.dropout is not None:
                x_TBI = self.dropout(x_TBI)
            start = None if state is None else state[index]
            forced = teacher if index == top else None
            x_TBI, state_l = layer(x_TBI, start, lengths_B, forced)
            last.append(state_l)
        return x_TBI, tuple(last)

    def read(
        self, x_TBI: Tensor, lengths_B: Tensor
    ) -> tuple[Tensor, tuple[tuple[CellState, ...], ...]]:
        """The top layer's sequence, and every layer's final states, one for each direction."""
        finals = []
        for index, layer in enumerate(self.layers):
            if index and self.dropout is not None:
                x_TBI = self.dropout(x_TBI)
            assert isinstance(layer, RecurrentLayer)
            x_TBI, final = layer.read(x_TBI, lengths_B)
            finals.append(final)
        return x_TBI, tuple(finals)


def merge_directions(outputs: list[Tensor], merge: Merge) -> Tensor:
    """What the directions return, side by side, added or averaged."""
    if len(outputs) == 1:
        return outputs[0]
    if merge == "concat":
        return torch.cat(outputs, dim=-1)
    return outputs[0] + outputs[1] if merge == "sum" else (outputs[0] + outputs[1]) / 2
