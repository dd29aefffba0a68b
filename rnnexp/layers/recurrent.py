"""`rnnexp.RNN`, `rnnexp.LSTM`, `rnnexp.GRU`: torch.nn's layers, faster, with the same numbers.

Constructor, parameter names, `state_dict`, defaults and exceptions are torch's own, because the
classes are torch's own; only the loop over time is ours where the compiled kernels can run it.
Shape letters: T time, B batch, I input, H hidden, L layers, D directions, N rows of all steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from rnnexp.kernels import Path, available, obstacle, recurrence

__all__ = ["GRU", "LSTM", "RNN", "Recurrent"]


class Recurrent(nn.RNNBase):
    """What the three have in common: the loop over layers and directions."""

    def path(self, input: Tensor | PackedSequence, hx: Any = None) -> Path:
        """Which path this very input takes, and why."""
        reason = self._obstacle(input, hx)
        if reason is not None:
            return Path("torch", reason)
        return available(type(self).__name__.lower(), layer_norm=False, recurrent_dropout=0.0)[0]

    def _obstacle(self, input: Tensor | PackedSequence, hx: Any) -> str | None:
        """Why the compiled kernels cannot run it; None where they can."""
        if self.proj_size:
            return "proj_size"
        x, rows = _rows(input)
        states = () if hx is None else hx if isinstance(hx, tuple) else (hx,)
        if not _fits(self, x, rows, states):
            return "torch.nn has something to say about its shape"
        return obstacle(self._cell, x, self._weights(0)[1], *states)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """As torch.nn's: (T, B, I), (B, T, I) with batch_first, unbatched (T, I), or packed."""
        if self._obstacle(input, hx) is not None:
            return super().forward(input, hx)
        if isinstance(input, PackedSequence):
            x, rows, order, back = input
            start = _each(hx, lambda s: s if order is None else s.index_select(1, order))
            out, last = self._layers(x, start, rows)
            last = tuple(s if back is None else s.index_select(1, back) for s in last)
            return PackedSequence(out, rows, order, back), self._state(last)
        unbatched = input.dim() == 2
        if unbatched:
            input, hx = input.unsqueeze(1), _each(hx, lambda s: s.unsqueeze(1))
        turned = self.batch_first and not unbatched
        out, last = self._layers(input.transpose(0, 1) if turned else input, _each(hx), None)
        if unbatched:
            return out.squeeze(1), self._state(tuple(s.squeeze(1) for s in last))
        return out.transpose(0, 1) if turned else out, self._state(last)

    def _layers(
        self, x: Tensor, start: tuple[Tensor, ...] | None, rows: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The top layer's outputs, and the last states of all layers, each (L*D, B, H)."""
        directions = 2 if self.bidirectional else 1
        last: list[tuple[Tensor, ...]] = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = F.dropout(x, self.dropout, self.training)
            outputs = []
            for reverse in range(directions):
                index = layer * directions + reverse
                states = () if start is None else tuple(s[index] for s in start)
                h_0, c_0 = (*states, None, None)[:2]
                out, h_n, c_n = recurrence(
                    self._cell, x, self._weights(index), h_0, c_0, rows, bool(reverse)
                )
                outputs.append(out)
                last.append((h_n,) if c_n is None else (h_n, c_n))
            x = outputs[0] if directions == 1 else torch.cat(outputs, dim=-1)
        if len(last) == 1:
            return x, tuple(part.unsqueeze(0) for part in last[0])
        return x, tuple(torch.stack(part) for part in zip(*last, strict=True))

    @property
    def _cell(self) -> str:
        return "lstm" if self.mode == "LSTM" else self.mode.removeprefix("RNN_").lower()

    def _weights(self, index: int) -> Sequence[Tensor | None]:
        """W_ih, W_hh, b_ih, b_hh of one direction of one layer."""
        names = self._all_weights[index]
        try:
            found = [self._parameters[name] for name in names]
        except KeyError:  # parametrized ones, say, are computed
            found = [getattr(self, name) for name in names]
        return found if self.bias else [*found, None, None]

    def _state(self, last: tuple[Tensor, ...]) -> Any:
        return last if self.mode == "LSTM" else last[0]


class RNN(Recurrent, nn.RNN):
    """h_t = f(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh); drop-in for `torch.nn.RNN`."""


class LSTM(Recurrent, nn.LSTM):
    """Long short-term memory; drop-in for `torch.nn.LSTM`."""


class GRU(Recurrent, nn.GRU):
    """Gated recurrent unit; drop-in for `torch.nn.GRU`."""


def _rows(input: Tensor | PackedSequence) -> tuple[Tensor, Tensor | None]:
    """The values, and of a packed input how many sequences every step has."""
    if isinstance(input, PackedSequence):
        return input.data, input.batch_sizes
    return input, None


def _each(hx: Any, change: Any = lambda s: s) -> tuple[Tensor, ...] | None:
    """Every state changed, h alone made a tuple of one."""
    if hx is None:
        return None
    return tuple(change(s) for s in (hx if isinstance(hx, tuple) else (hx,)))


def _fits(layer: nn.RNNBase, x: Tensor, rows: Tensor | None, states: tuple[Tensor, ...]) -> bool:
    """Whether the shapes are right; where they are not, torch's own forward says what is wrong."""
    if x.dim() not in ((2,) if rows is not None else (2, 3)) or x.shape[-1] != layer.input_size:
        return False
    if len(states) not in (0, 2 if layer.mode == "LSTM" else 1):
        return False
    shape: tuple[int, ...] = (layer.num_layers * (2 if layer.bidirectional else 1),)
    if rows is not None:
        shape += (int(rows[0]),)
    elif x.dim() == 3:
        shape += (x.shape[0 if layer.batch_first else 1],)
    return all(s.shape == (*shape, layer.hidden_size) for s in states)
