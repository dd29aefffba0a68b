"""The gradient of the gradient: through torch's own loops, which it can differentiate twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import _VF, Tensor

__all__ = ["differentiable", "torch_loop"]


def torch_loop(  # noqa: PLR0917
    cell: str,
    x: Tensor,
    weights: Sequence[Tensor | None],
    h_0: Tensor | None,
    c_0: Tensor | None,
    rows: Tensor | None,
    reverse: bool,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """What `rnnexp::recurrence` computes, by torch's composite operators."""
    B = x.shape[1] if rows is None else int(rows[0])
    h_0 = x.new_zeros(B, _hidden_size(weights)) if h_0 is None else h_0
    c_0 = x.new_zeros(h_0.shape) if c_0 is None and cell == "lstm" else c_0
    given = [w for w in weights if w is not None]
    order = _backwards(x, rows) if reverse else None
    x = x if order is None else x.flatten(0, -2)[order].view_as(x)
    first = h_0.unsqueeze(0) if c_0 is None else (h_0.unsqueeze(0), c_0.unsqueeze(0))
    settings = (given, len(given) == 4, 1, 0.0, True, False)
    run = getattr(_VF, f"rnn_{cell}" if cell in {"tanh", "relu"} else cell)
    with _without_onednn():
        if rows is None:
            out, *last = run(x, first, *settings, False)
        else:
            out, *last = run(x, rows, first, *settings)
    out = out if order is None else out.flatten(0, -2)[order].view_as(out)
    return out, last[0].squeeze(0), last[1].squeeze(0) if c_0 is not None else None


def _hidden_size(weights: Sequence[Tensor | None]) -> int:
    W_h = weights[1]
    assert W_h is not None
    return W_h.shape[1]


@contextmanager
def _without_onednn() -> Iterator[None]:
    """Its LSTM has no second derivative."""
    before = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(before)


def _backwards(x: Tensor, rows: Tensor | None) -> Tensor:
    """The row that takes each row's place when every sequence is turned round in time."""
    if rows is None:
        T, B = x.shape[:2]
        return torch.arange(T * B).view(T, B).flip(0).flatten()
    step_N = torch.repeat_interleave(torch.arange(len(rows)), rows)
    offset_T = rows.cumsum(0) - rows
    row_N = torch.arange(len(step_N)) - offset_T[step_N]
    length_B = (rows.unsqueeze(1) > torch.arange(int(rows[0]))).sum(0)
    return offset_T[length_B[row_N] - 1 - step_N] + row_N


def differentiable(  # noqa: PLR0917
    tensors: Sequence[Tensor | None],
    rows: Tensor | None,
    cell: str,
    reverse: bool,
    flowing: Sequence[Tensor | None],
    needed: Sequence[bool],
) -> list[Tensor | None]:
    """What flows back to (dout, dh_n, dc_n, x, W_x, W_h, b_x, b_h, h_0, c_0).

    flowing: what flows into the gradients of the last seven of them.
    """
    leaves = [
        None if t is None else t.detach().requires_grad_(t.is_floating_point()) for t in tensors
    ]
    dout, dh_n, dc_n, x, *weights, h_0, c_0 = leaves
    inputs = [(i, t) for i, t in enumerate((x, *weights, h_0, c_0)) if t is not None]
    assert x is not None
    with torch.enable_grad():
        results = torch_loop(cell, x, weights, h_0, c_0, rows, reverse)
        pairs = [(r, d) for r, d in zip(results, (dout, dh_n, dc_n), strict=True)
                 if r is not None and d is not None]  # fmt: skip
        first = torch.autograd.grad(
            [r for r, _ in pairs], [t for _, t in inputs], [d for _, d in pairs],
            create_graph=True, allow_unused=True,
        )  # fmt: skip
        into = [(g, flowing[i]) for (i, _), g in zip(inputs, first, strict=True)
                if g is not None and g.requires_grad and flowing[i] is not None]  # fmt: skip
        wanted = [t for t, need in zip(leaves, needed, strict=False) if t is not None and need]
        second = torch.autograd.grad(
            [g for g, _ in into], wanted, [f for _, f in into], allow_unused=True
        )  # fmt: skip
    found = dict(zip(map(id, wanted), second, strict=True))
    return [None if t is None else found.get(id(t)) for t in leaves]
