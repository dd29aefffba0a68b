"""One recurrent layer in one direction of time, with the knobs that torch's layers do not have.

Shape letters: T time, B batch, I input, H hidden, G = gates * H. Everything is time-major.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from rnnexp.kernels import Path, available, obstacle, recurrence
from rnnexp.layers.cells import CellState, Step, gru_step, lstm_step, rnn_step
from rnnexp.layers.recurrent import GRU, LSTM, RNN
from rnnexp.layers.shapes import GATES, STATES

__all__ = ["Direction", "HiddenDirection", "Teacher"]

TORCH: dict[str, Any] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
Loop = Callable[[Tensor, CellState | None, Tensor | None], tuple[Tensor, CellState]]
Teacher = tuple[Tensor, Tensor]
"""the true previous outputs (T, B, O) and where they are read instead of the own (T, B, 1)"""


class Direction(nn.Module, ABC):
    """Reads x_TBI from the first step to the last and returns every output and the last state.

    recurrence: what is fed back. output_size: features of what is returned. logits: whether a
    layer whose output is the network's own returns it before the activation that is fed back.
    available_paths: every kernel path that can run it; `path` is the one that does.
    """

    cell: str
    activation: str
    hidden_size: int
    output_size: int
    recurrence: str
    recurrent_dropout: float
    logits: bool
    available_paths: tuple[Path, ...]
    path: Path

    @abstractmethod
    def forward(
        self,
        x_TBI: Tensor,
        state: CellState | None = None,
        teacher: Teacher | None = None,
        lengths_B: Tensor | None = None,
    ) -> tuple[Tensor, CellState]:
        """Outputs (T, B, output_size) and the state after the last step, each (B, ...).

        lengths_B: take the state after each sequence's own last step, not after the padding.
        """


class HiddenDirection(Direction):
    """Hidden-to-hidden recurrence of any cell.

    The weights are those of the torch layer inside (`rnn.weight_ih_l0`, ...). `layer_norm`
    normalises W_xh x_t, W_hh h_{t-1} and the LSTM's c_t (Ba, Kiros, Hinton 2016);
    `recurrent_dropout` drops components of h_{t-1} with one mask per sequence (Gal 2016).
    """

    def __init__(  # noqa: PLR0917
        self,
        cell: str,
        input_size: int,
        hidden_size: int,
        activation: str = "tanh",
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        learned_state: bool = False,
    ) -> None:
        super().__init__()
        self.cell, self.recurrent_dropout = cell, recurrent_dropout
        self.hidden_size = self.output_size = hidden_size
        self.activation = activation
        self.rnn = _torch_layer(cell, input_size, hidden_size, activation)
        gates, states = len(GATES[cell]), len(STATES[cell])
        self.norm_x, self.norm_h = (
            nn.LayerNorm(gates * hidden_size) if layer_norm else nn.Identity() for _ in range(2)
        )
        self.norm_c = nn.LayerNorm(hidden_size) if layer_norm and cell == "lstm" else nn.Identity()
        self.initial = nn.Parameter(torch.zeros(states, hidden_size)) if learned_state else None
        self.recurrence, self.logits = "hidden_to_hidden", False
        self.available_paths = available(
            cell, layer_norm=layer_norm, recurrent_dropout=recurrent_dropout
        )
        self.path = self.available_paths[0]

    @property
    def weights(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """W_xh (G, I), W_hh (G, H), b_xh (G,), b_hh (G,)."""
        ((W_xh_GI, W_hh_GH, b_xh_G, b_hh_G),) = self.rnn.all_weights
        return W_xh_GI, W_hh_GH, b_xh_G, b_hh_G

    def initial_state(self, batch: int) -> CellState | None:
        """The trained h_0 (and c_0), each (B, H); None stands for zeros."""
        if self.initial is None:
            return None
        return tuple(vector_H.expand(batch, -1) for vector_H in self.initial)

    def forward(
        self,
        x_TBI: Tensor,
        state: CellState | None = None,
        teacher: Teacher | None = None,
        lengths_B: Tensor | None = None,
    ) -> tuple[Tensor, CellState]:
        """Outputs h_TBH and the state after the last step, each (B, H)."""
        assert teacher is None, "no output is fed back"
        if state is None:
            state = self.initial_state(x_TBI.shape[1])
        if self.path.name == "equations":
            return self._equations(x_TBI, state, lengths_B)
        if self.path.ours and obstacle(self._kernel, x_TBI, *self.weights) is None:
            return self._loop(self._ours, x_TBI, state, lengths_B)
        return self._loop(self._torch, x_TBI, state, lengths_B)

    def _loop(
        self, run: Loop, x_TBI: Tensor, state: CellState | None, lengths_B: Tensor | None
    ) -> tuple[Tensor, CellState]:
        """The whole sequence at once; sequences of different length are packed on the way."""
        if lengths_B is None:
            return run(x_TBI, state, None)
        packed = pack_padded_sequence(x_TBI, lengths_B.cpu(), enforce_sorted=False)
        x_NI, rows_T, order_B, back_B = packed
        assert order_B is not None and back_B is not None
        sorted_state = None if state is None else tuple(s_BH[order_B] for s_BH in state)
        h_NH, last = run(x_NI, sorted_state, rows_T)
        packed_h = PackedSequence(h_NH, rows_T, order_B, back_B)
        h_TBH, _ = pad_packed_sequence(packed_h, total_length=len(x_TBI))
        return h_TBH, tuple(s_BH[back_B] for s_BH in last)

    @property
    def _kernel(self) -> str:
        return self.activation if self.cell == "rnn" else self.cell

    def _ours(
        self, x: Tensor, state: CellState | None, rows_T: Tensor | None
    ) -> tuple[Tensor, CellState]:
        h_BH, c_BH = (*(state or ()), None, None)[:2]
        h, h_BH, c_BH = recurrence(self._kernel, x, self.weights, h_BH, c_BH, rows_T)
        return h, (h_BH,) if c_BH is None else (h_BH, c_BH)

    def _torch(
        self, x: Tensor, state: CellState | None, rows_T: Tensor | None
    ) -> tuple[Tensor, CellState]:
        first: Any = None
        if state is not None:
            parts = tuple(s_BH.unsqueeze(0).contiguous() for s_BH in state)
            first = parts if self.cell == "lstm" else parts[0]
        input = x if rows_T is None else PackedSequence(x, rows_T)
        h, last = TORCH[self.cell].forward(self.rnn, input, first)
        last = last if self.cell == "lstm" else (last,)
        return h if rows_T is None else h.data, tuple(s_1BH.squeeze(0) for s_1BH in last)

    def _equations(
        self, x_TBI: Tensor, state: CellState | None, lengths_B: Tensor | None = None
    ) -> tuple[Tensor, CellState]:
        if state is None:
            zeros_BH = x_TBI.new_zeros(x_TBI.shape[1], self.hidden_size)
            state = (zeros_BH,) * len(STATES[self.cell])
        W_xh_GI, W_hh_GH, b_xh_G, b_hh_G = self.weights
        zx_TBG = self.norm_x(x_TBI @ W_xh_GI.t()) + b_xh_G
        mask_BH = self._dropout_mask(state[0])

        def recur(h_BH: Tensor) -> Tensor:
            h_BH = h_BH if mask_BH is None else h_BH * mask_BH
            product: Tensor = self.norm_h(h_BH @ W_hh_GH.t())
            return product + b_hh_G

        step, outputs = self._step(), []
        for t, zx_BG in enumerate(zx_TBG.unbind(0)):
            new = step(zx_BG, state, recur)
            if lengths_B is not None:
                runs_B1 = (t < lengths_B).unsqueeze(1)
                new = tuple(torch.where(runs_B1, *pair) for pair in zip(new, state, strict=True))
            state = new
            outputs.append(state[0])
        return torch.stack(outputs), state

    def _step(self) -> Step:
        if self.cell == "lstm":
            return partial(lstm_step, norm_c=self.norm_c)
        if self.cell == "gru":
            return gru_step
        return partial(rnn_step, activation=getattr(torch, self.activation))

    def _dropout_mask(self, h_BH: Tensor) -> Tensor | None:
        keep = 1 - self.recurrent_dropout
        if keep == 1 or not self.training:
            return None
        return torch.empty_like(h_BH).bernoulli_(keep) / keep


def _torch_layer(cell: str, input_size: int, hidden_size: int, activation: str) -> nn.RNNBase:
    if cell == "rnn":
        return RNN(input_size, hidden_size, nonlinearity=activation)
    return (LSTM if cell == "lstm" else GRU)(input_size, hidden_size)
