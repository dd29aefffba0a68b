"""The cells as their equations: one time step each.

Shape letters: T time, B batch, I input, H hidden, G = gates * H.
`zx_BG` is the input's share, W_xh x_t + b_xh, computed for all steps at once; `recur(h_BH)` is the
state's share, W_hh h_{t-1} + b_hh. Gate order and equations are those of torch.nn.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = [
    "CellState",
    "Linear",
    "Step",
    "gru_step",
    "lstm_step",
    "output_to_hidden_step",
    "output_to_output_step",
    "rnn_step",
]

CellState = tuple[Tensor, ...]
Linear = Callable[[Tensor], Tensor]
Step = Callable[[Tensor, CellState, Linear], CellState]


def rnn_step(zx_BH: Tensor, state: CellState, recur: Linear, activation: Linear) -> CellState:
    """h_t = f(W_xh x_t + b_xh + W_hh h_{t-1} + b_hh) (Elman 1990)."""
    (h_BH,) = state
    return (activation(zx_BH + recur(h_BH)),)


def lstm_step(zx_BG: Tensor, state: CellState, recur: Linear, norm_c: Linear) -> CellState:
    """c_t = f * c_{t-1} + i * g, h_t = o * tanh(c_t) (Hochreiter 1997; Gers 2000).

    `norm_c` is the identity, or the layer norm of the cell state.
    """
    h_BH, c_BH = state
    i, f, g, o = (zx_BG + recur(h_BH)).chunk(4, dim=-1)
    c_BH = f.sigmoid() * c_BH + i.sigmoid() * g.tanh()
    h_BH = o.sigmoid() * norm_c(c_BH).tanh()
    return h_BH, c_BH


def gru_step(zx_BG: Tensor, state: CellState, recur: Linear) -> CellState:
    """h_t = (1 - z) * n + z * h_{t-1}, n = tanh(x_n + r * h_n) (Cho 2014, torch's variant)."""
    (h_BH,) = state
    xr, xz, xn = zx_BG.chunk(3, dim=-1)
    hr, hz, hn = recur(h_BH).chunk(3, dim=-1)
    r, z = (xr + hr).sigmoid(), (xz + hz).sigmoid()
    n = torch.tanh(xn + r * hn)
    return ((1 - z) * n + z * h_BH,)


def output_to_hidden_step(zx_BH: Tensor, o_BO: Tensor, recur: Linear, read: Linear) -> Tensor:
    """z_t = W_ho h_t + b_o with h_t = act(W_xh x_t + b_xh + W_oh o_{t-1} + b_oh).

    `recur` is W_oh o + b_oh, `read` the activation with W_ho h + b_o behind it (Jordan 1986).
    """
    return read(zx_BH + recur(o_BO))


def output_to_output_step(zh_BO: Tensor, o_BO: Tensor, recur: Linear) -> Tensor:
    """z_t = W_ho h_t + b_o + W_oo o_{t-1}, where h_t = act(W_xh x_t + b_xh) knows no past.

    `zh_BO` is W_ho h_t + b_o, computed for all steps at once; `recur` is W_oo o.
    """
    return zh_BO + recur(o_BO)
