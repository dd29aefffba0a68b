"""Backpropagation through time by hand, in torch's operators: for machines without a compiler.

Torch's own loop of the vanilla RNN and the GRU leaves a node of autograd behind every operator of
every time step. Here a step is its product with W_hh and little else: the input's product, the
derivatives of the gates and the weight gradients are one operation each over all steps. Torch's
LSTM is one fused call that this would not beat.

Shape letters: T time, B batch, I input, H hidden, G gates * H, N rows of all time steps, packed:
step t has the first rows_T[t] sequences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.functional import linear

__all__ = ["CELLS", "Walk", "backward", "forward"]

CELLS = ("tanh", "relu", "gru")


class Walk:
    """The time steps in the order in which the recurrence takes them.

    rows_T: how many sequences each step has. h_BH: where the recurrence begins.
    """

    def __init__(self, rows_T: Sequence[int], h_BH: Tensor, reverse: bool) -> None:
        self.rows_T, self.h_BH = rows_T, h_BH
        self.order = slice(None, None, -1 if reverse else 1)

    def steps(self, rows_N: Tensor) -> Sequence[Tensor]:
        """The rows of each step, as views."""
        return rows_N.split_with_sizes(self.rows_T)[self.order]

    def back(self, dh_BH: Tensor, *rows_N: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """From the last step to the first: its rows of dh and of all the others."""
        views = {rows: dh_BH[:rows] for rows in set(self.rows_T)}
        flowing = [views[rows] for rows in self.rows_T[self.order][::-1]]
        return zip(flowing, *(self.steps(each)[::-1] for each in rows_N), strict=True)

    def states(self, out_NH: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """h_t, which may be written meanwhile, and the h_{t-1} before it, each (rows, H)."""
        before, seen = self.h_BH, len(self.h_BH)
        for now, rows in zip(self.steps(out_NH), self.rows_T[self.order], strict=True):
            if seen < rows:  # these sequences begin here
                before = torch.cat([before, self.h_BH[seen:rows]])
            yield now, before if seen == rows else before[:rows]
            before, seen = now, rows

    def before(self, out_NH: Tensor) -> Tensor:
        """h_{t-1} of all rows, (N, H)."""
        return torch.cat([before for _, before in self.states(out_NH)][self.order])

    def last(self, out_NH: Tensor) -> Tensor:
        """h after the last step of each sequence, (B, H)."""
        last_BH, ended = torch.empty_like(self.h_BH), 0
        for now in self.steps(out_NH)[::-1]:
            if len(now) > ended:
                last_BH[ended : len(now)] = now[ended:]
                ended = len(now)
            if ended == len(last_BH):
                break
        return last_BH


def forward(
    cell: str, x: Tensor, weights: Sequence[Tensor | None], walk: Walk,
    results: Sequence[Tensor | None],
) -> None:  # fmt: skip
    """Write every h_t, the last ones, and what the way back of the GRU needs: r, z, n and
    W_hn h_{t-1} + b_hn, (N, 4, H).

    x: (T, B, I), or packed (N, I). results: as the operator gives them.
    """
    out, h_n, _, saved = results
    assert out is not None and h_n is not None
    out_NH = out.view(-1, out.shape[-1])
    run = _gru_forward if cell == "gru" else _vanilla_forward
    run(cell, x.reshape(-1, x.shape[-1]), weights, walk, out_NH, saved)
    h_n.copy_(walk.last(out_NH))


def _vanilla_forward(  # noqa: PLR0917
    cell: str, x_NI: Tensor, weights: Sequence[Tensor | None], walk: Walk, out_NH: Tensor,
    saved: Tensor | None,
) -> None:  # fmt: skip
    """h_t = f(W_xh x_t + b_xh + b_hh + W_hh h_{t-1})."""
    W_xh_HI, W_hh_HH, b_xh_H, b_hh_H = weights
    assert W_xh_HI is not None and W_hh_HH is not None and saved is None
    bias_H = None if b_xh_H is None or b_hh_H is None else b_xh_H + b_hh_H
    out_NH.copy_(linear(x_NI, W_xh_HI, bias_H))
    activate_, W_hh_t = torch.tanh_ if cell == "tanh" else torch.relu_, W_hh_HH.t()
    for h_t, before in walk.states(out_NH):
        activate_(h_t.addmm_(before, W_hh_t))


def _gru_forward(
    _: str, x_NI: Tensor, weights: Sequence[Tensor | None], walk: Walk, out_NH: Tensor,
    saved: Tensor | None,
) -> None:  # fmt: skip
    """r, z = sigmoid(zx + zh); n = tanh(zx + r zh); h_t = (1 - z) n + z h_{t-1}."""
    W_xh_GI, W_hh_GH, b_xh_G, b_hh_G = weights
    assert W_xh_GI is not None and W_hh_GH is not None
    H = out_NH.shape[1]
    zx = linear(x_NI, W_xh_GI, b_xh_G)
    zh = torch.zeros_like(zx) if b_hh_G is None else b_hh_G.repeat(len(zx), 1)
    parts = (zh, zh[:, : 2 * H], zh[:, 2 * H :], zx[:, : 2 * H], zx[:, :H], zx[:, H : 2 * H])
    views = zip(walk.states(out_NH), *map(walk.steps, (*parts, zx[:, 2 * H :])), strict=True)
    W_hh_t = W_hh_GH.t()
    for (h_t, before), zh_t, zh_rz, zh_n, rz, r, z, n in views:
        zh_t.addmm_(before, W_hh_t)
        rz.add_(zh_rz).sigmoid_()
        n.addcmul_(r, zh_n).tanh_()
        torch.lerp(n, before, z, out=h_t)
    if saved is not None:
        torch.cat([zx, zh[:, 2 * H :]], dim=1, out=saved.view(-1, 4 * H))


def backward(  # noqa: PLR0917
    cell: str, x: Tensor, weights: Sequence[Tensor | None], walk: Walk, out: Tensor,
    saved: Tensor | None, dout: Tensor | None, dh_n: Tensor | None,
    gradients: Sequence[Tensor | None],
) -> None:  # fmt: skip
    """Write the gradients of x, W_xh, W_hh, b_xh, b_hh and h_0, where one is wanted."""
    W_xh, W_hh = weights[:2]
    dx, dW_xh, dW_hh, db_xh, db_hh, dh_0, _ = gradients
    assert W_xh is not None and W_hh is not None and dW_xh is not None and dW_hh is not None
    H = W_hh.shape[1]
    dh = torch.zeros_like(walk.h_BH, memory_format=torch.contiguous_format)
    if dh_n is not None:
        dh.copy_(dh_n)
    x_NI, out_NH = x.reshape(-1, x.shape[-1]), out.view(-1, H)
    dout_NH, before = None if dout is None else dout.reshape(-1, H), walk.before(out_NH)
    if cell == "gru":
        assert saved is not None
        dzx, dzh = _gru_backward(saved.view(-1, 4, H), before, W_hh, walk, dout_NH, dh)
    else:
        dzx = dzh = _vanilla_backward(cell, out_NH, W_hh, walk, dout_NH, dh)
    torch.mm(dzx.t(), x_NI, out=dW_xh)
    torch.mm(dzh.t(), before, out=dW_hh)
    if dx is not None:
        torch.mm(dzx, W_xh, out=dx.view(-1, dx.shape[-1]))
    if db_xh is not None and db_hh is not None:
        torch.sum(dzx, 0, out=db_xh)
        torch.sum(dzh, 0, out=db_hh)
    if dh_0 is not None:
        dh_0.copy_(dh)


def _vanilla_backward(  # noqa: PLR0917
    cell: str, out_NH: Tensor, W_hh_HH: Tensor, walk: Walk, dout_NH: Tensor | None, dh_BH: Tensor
) -> Tensor:
    """dz_t = f'(z_t) (dout_t + dh_t), (N, H); dh_{t-1} = dz_t W_hh."""
    slope_NH = 1 - out_NH * out_NH if cell == "tanh" else (out_NH > 0).to(out_NH.dtype)
    dz_NH = torch.zeros_like(slope_NH) if dout_NH is None else dout_NH * slope_NH
    for dh_t, dz_t, slope_t in walk.back(dh_BH, dz_NH, slope_NH):
        dz_t.addcmul_(dh_t, slope_t)
        torch.mm(dz_t, W_hh_HH, out=dh_t)
    return dz_NH


def _gru_backward(  # noqa: PLR0917
    saved_N4H: Tensor, before_NH: Tensor, W_hh_GH: Tensor, walk: Walk, dout_NH: Tensor | None,
    dh_BH: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """dz of the input's and of the state's share, (N, G): factors of dh_t, known beforehand."""
    r, z, n, zh_n = saved_N4H.unbind(1)
    of_n = (1 - z) * (1 - n * n)
    of_r, of_z = of_n * zh_n * r * (1 - r), (before_NH - n) * z * (1 - z)
    dzh_N3H = torch.stack([of_r, of_z, of_n * r], dim=1)
    dh_NH = torch.zeros_like(before_NH) if dout_NH is None else dout_NH.clone()
    for flowing, dh_t, dzh_t, dzh_tG, z_t in walk.back(
        dh_BH, dh_NH, dzh_N3H, dzh_N3H.flatten(1), z
    ):
        dh_t.add_(flowing)
        dzh_t.mul_(dh_t.unsqueeze(1))
        torch.mul(dh_t, z_t, out=flowing).addmm_(dzh_tG, W_hh_GH)
    dzx_N3H = dzh_N3H.clone()
    torch.mul(dh_NH, of_n, out=dzx_N3H[:, 2])
    return dzx_N3H.flatten(1), dzh_N3H.flatten(1)
