"""`rnnexp::recurrence`: one recurrent layer in one direction, as one operator that torch knows.

Autograd, `torch.compile` and `torch.export` see a single node. Its gradient is an operator too,
`rnnexp::recurrence_backward`, and that one's gradient comes from torch's own differentiable loops.
Shape letters: T time, B batch, I input, H hidden, G gates, N rows of all time steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from rnnexp.kernels import native
from rnnexp.kernels.twice import differentiable

__all__ = ["recurrence"]

LIBRARY: Any = torch.library.Library("rnnexp", "DEF")  # type: ignore[no-untyped-call]
INPUTS = (
    "Tensor x, Tensor W_x, Tensor W_h, Tensor? b_x, Tensor? b_h, Tensor h_0, Tensor? c_0,"
    " Tensor? rows, str cell, bool reverse"
)
LIBRARY.define(f"recurrence({INPUTS}, bool keep) -> (Tensor, Tensor, Tensor, Tensor)")
LIBRARY.define(
    f"recurrence_backward(Tensor? dout, Tensor? dh_n, Tensor? dc_n, {INPUTS}, Tensor out,"
    " Tensor saved, bool input) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"
)


def recurrence(  # noqa: PLR0917
    cell: str,
    x: Tensor,
    weights: Sequence[Tensor | None],
    h_0: Tensor,
    c_0: Tensor | None = None,
    rows: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Every output, the last h and the last c (empty where the cell has none).

    cell: tanh, relu, lstm or gru. x: (T, B, I), or with `rows` packed (N, I), where step t has the
    first rows[t] sequences (int64, never rising). weights: W_xh (GH, I), W_hh (GH, H), b_xh and
    b_hh (GH,) or None. h_0, c_0: (B, H). reverse: from the last step to the first.
    """
    W_x, W_h, b_x, b_h = weights
    tensors = (x, W_x, W_h, b_x, b_h, h_0, c_0)
    keep = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)
    out, h_n, c_n, _ = torch.ops.rnnexp.recurrence.default(*tensors, rows, cell, reverse, keep)
    return out, h_n, c_n


def _forward(  # noqa: PLR0917
    x: Tensor, W_x: Tensor, W_h: Tensor, b_x: Tensor | None, b_h: Tensor | None,
    h_0: Tensor, c_0: Tensor | None, rows: Tensor | None, cell: str, reverse: bool, keep: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    results = _outputs(x, W_x, W_h, b_x, b_h, h_0, c_0, rows, cell, reverse, keep)
    out, h_n, c_n, saved = results
    steps, offset, sizes = _steps(x, h_0, rows)
    given = {"x": x, "W_x": W_x, "W_h": W_h, "b_x": b_x, "b_h": b_h, "h_0": h_0, "c_0": c_0}
    given = {name: None if t is None else t.contiguous() for name, t in given.items()}
    native.run(
        "forward", cell, x.dtype, sizes | {"reverse": reverse}, **given, rows=steps, offset=offset,
        out=out, h_n=h_n, c_n=c_n if cell == "lstm" else None, saved=saved if keep else None,
    )  # fmt: skip
    return results


def _outputs(  # noqa: PLR0917
    x: Tensor, W_x: Tensor, W_h: Tensor, b_x: Tensor | None, b_h: Tensor | None,
    h_0: Tensor, c_0: Tensor | None, rows: Tensor | None, cell: str, reverse: bool, keep: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Room for what the forward pass writes; also what `torch.compile` has to know of it."""
    H, N = W_h.shape[1], x.shape[:-1].numel()
    saved = native.saved_size(cell, H, x.dtype) * N if keep else 0
    c_n = torch.empty_like(h_0, memory_format=torch.contiguous_format)
    return (
        x.new_empty(*x.shape[:-1], H),
        torch.empty_like(h_0, memory_format=torch.contiguous_format),
        c_n if cell == "lstm" else x.new_empty(0),
        x.new_empty(saved),
    )


def _backward(  # noqa: PLR0917
    dout: Tensor | None, dh_n: Tensor | None, dc_n: Tensor | None,
    x: Tensor, W_x: Tensor, W_h: Tensor, b_x: Tensor | None, b_h: Tensor | None,
    h_0: Tensor, c_0: Tensor | None, rows: Tensor | None, cell: str, reverse: bool,
    out: Tensor, saved: Tensor, input: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    gradients = _gradients(
        dout, dh_n, dc_n, x, W_x, W_h, b_x, b_h, h_0, c_0, rows, cell, reverse, out, saved, input
    )
    steps, offset, sizes = _steps(x, h_0, rows)
    given = {"dout": dout, "dh_n": dh_n, "dc_n": dc_n, "x": x, "W_x": W_x, "W_h": W_h}
    given |= {"h_0": h_0, "c_0": c_0}
    given = {name: None if t is None else t.contiguous() for name, t in given.items()}
    names = ("dx", "dW_x", "dW_h", "db_x", "db_h", "dh_0", "dc_0")
    written = {name: t if t.numel() else None for name, t in zip(names, gradients, strict=True)}
    native.run(
        "backward", cell, x.dtype, sizes | {"reverse": reverse}, **given, **written, rows=steps,
        offset=offset, out=out, saved=saved,
    )  # fmt: skip
    return gradients


def _gradients(  # noqa: PLR0917
    dout: Tensor | None, dh_n: Tensor | None, dc_n: Tensor | None,
    x: Tensor, W_x: Tensor, W_h: Tensor, b_x: Tensor | None, b_h: Tensor | None,
    h_0: Tensor, c_0: Tensor | None, rows: Tensor | None, cell: str, reverse: bool,
    out: Tensor, saved: Tensor, input: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Room for the gradients; empty where there is none to give."""

    def like(t: Tensor | None) -> Tensor:
        wanted = x.new_empty(0) if t is None else t
        return torch.empty_like(wanted, memory_format=torch.contiguous_format)

    return tuple(like(t) for t in (x if input else None, W_x, W_h, b_x, b_h, h_0, c_0))


def _steps(x: Tensor, h_0: Tensor, rows: Tensor | None) -> tuple[Tensor, Tensor, dict[str, int]]:
    """How many rows every step has, where they begin, and all sizes."""
    B, H = h_0.shape
    sizes = {"B": B, "H": H, "I": x.shape[-1]}
    if rows is None:
        return *_uniform(x.shape[0], B), sizes | {"T": x.shape[0]}
    rows = rows.contiguous()
    return rows, rows.cumsum(0) - rows, sizes | {"T": len(rows)}


@lru_cache(maxsize=64)
def _uniform(T: int, B: int) -> tuple[Tensor, Tensor]:
    return torch.full((T,), B, dtype=torch.int64), torch.arange(T, dtype=torch.int64) * B


class _Recurrence(torch.autograd.Function):
    """The operator with its gradient; what autograd runs."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, ...]:
        with torch._C._AutoDispatchBelowAutograd():
            results: tuple[Tensor, ...] = torch.ops.rnnexp.recurrence.default(*inputs)
        *tensors, cell, reverse, _ = inputs
        out, _, c_n, saved = results
        ctx.save_for_backward(*tensors, out, saved)
        ctx.settings = cell, reverse
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*([saved] if cell == "lstm" else [c_n, saved]))
        return results

    @staticmethod
    def backward(ctx: Any, *flowing: Tensor | None) -> Any:
        *inputs, rows, out, saved = ctx.saved_tensors
        dout, dh_n, dc_n, _ = flowing
        if dout is None and dh_n is None and dc_n is None:
            return (None,) * 11
        needed = ctx.needs_input_grad
        found = torch.ops.rnnexp.recurrence_backward.default(
            dout, dh_n, dc_n, *inputs, rows, *ctx.settings, out, saved, needed[0]
        )
        wanted = (g if need else None for g, need in zip(found, needed, strict=False))
        return *wanted, None, None, None, None


class _RecurrenceBackward(torch.autograd.Function):
    """The gradient with a gradient of its own."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, ...]:
        ctx.save_for_backward(*inputs[:11])
        ctx.settings = inputs[11:13]
        ctx.set_materialize_grads(False)
        with torch._C._AutoDispatchBelowAutograd():
            gradients: tuple[Tensor, ...] = torch.ops.rnnexp.recurrence_backward.default(*inputs)
        return gradients

    @staticmethod
    def backward(ctx: Any, *flowing: Tensor | None) -> Any:
        *tensors, rows = ctx.saved_tensors
        cell, reverse = ctx.settings
        found = differentiable(tensors, rows, cell, reverse, flowing, ctx.needs_input_grad)
        return *found, None, None, None, None, None, None


LIBRARY.impl("recurrence", _forward, "CPU")
LIBRARY.impl("recurrence_backward", _backward, "CPU")
LIBRARY.impl("recurrence", _Recurrence.apply, "Autograd")
LIBRARY.impl("recurrence_backward", _RecurrenceBackward.apply, "Autograd")
torch.library.register_fake("rnnexp::recurrence", _outputs, lib=LIBRARY)
torch.library.register_fake("rnnexp::recurrence_backward", _gradients, lib=LIBRARY)
