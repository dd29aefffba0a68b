"""`rnnexp::recurrence`: one recurrent layer in one direction, as one operator that torch knows.

Autograd, `torch.compile` and `torch.export` see a single node. Its gradient is an operator too,
`rnnexp::recurrence_backward`, and that one's gradient comes from torch's own differentiable loops.
Shape letters: T time, B batch, I input, H hidden, G gates, N rows of all time steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from rnnexp.kernels import native
from rnnexp.kernels.twice import differentiable

__all__ = ["recurrence"]

LIBRARY: Any = torch.library.Library("rnnexp", "DEF")  # type: ignore[no-untyped-call]
INPUTS = (
    "Tensor x, Tensor W_x, Tensor W_h, Tensor? b_x, Tensor? b_h, Tensor? h_0, Tensor? c_0,"
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
    h_0: Tensor | None = None,
    c_0: Tensor | None = None,
    rows: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Every output, the last h and the last c (empty where the cell has none).

    cell: tanh, relu, lstm or gru. x: (T, B, I), or with `rows` packed (N, I), where step t has the
    first rows[t] sequences (int64, never rising). weights: W_xh (GH, I), W_hh (GH, H), b_xh and
    b_hh (GH,) or None. h_0, c_0: (B, H), None for zeros. reverse: from the last step to the first.
    """
    W_x, W_h, b_x, b_h = weights
    tensors = (x, W_x, W_h, b_x, b_h, h_0, c_0)
    keep = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)
    inputs: tuple[Any, ...] = (*tensors, rows, cell, reverse, keep)
    if torch.compiler.is_compiling() or torch._C._len_torch_dispatch_stack():
        out, h_n, c_n, _ = torch.ops.rnnexp.recurrence.default(*inputs)
    else:  # the same without torch's dispatcher, which takes longer than a small layer
        apply: Any = _Recurrence.apply
        out, h_n, c_n, _ = apply(*inputs) if keep else _forward(*inputs)
    return out, h_n, c_n


def _forward(  # noqa: PLR0917
    x: Tensor, W_x: Tensor, W_h: Tensor, b_x: Tensor | None, b_h: Tensor | None,
    h_0: Tensor | None, c_0: Tensor | None, rows: Tensor | None, cell: str, reverse: bool,
    keep: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    _check(x, W_x, W_h, b_x, b_h, h_0, c_0, rows, cell)
    results = _outputs(x, W_x, W_h, b_x, b_h, h_0, c_0, rows, cell, reverse, keep)
    out, h_n, c_n, saved = results
    steps, sizes = _steps(x, W_h, rows)
    given = _contiguous(x, W_x, W_h, b_x, b_h, h_0, c_0)
    written = (out, h_n, c_n if cell == "lstm" else None, saved if keep else None)
    native.run("forward", cell, x.dtype, (*sizes, reverse), (*steps, *given, *written))
    return results


def _check(  # noqa: PLR0917
    x: Tensor, W_x: Tensor, W_h: Tensor, b_x: Tensor | None, b_h: Tensor | None,
    h_0: Tensor | None, c_0: Tensor | None, rows: Tensor | None, cell: str,
) -> None:  # fmt: skip
    """The kernels trust what they are given. Raises ValueError: shapes that do not fit together."""
    I, H = x.shape[-1], W_h.shape[-1]  # noqa: E741
    G = native.GATES[cell] * H
    B = x.shape[1] if rows is None else int(rows[0])
    good = x.dim() == (3 if rows is None else 2) and W_x.shape == (G, I) and W_h.shape == (G, H)
    good = good and all(b is None or b.shape == (G,) for b in (b_x, b_h))
    good = good and all(s is None or s.shape == (B, H) for s in (h_0, c_0))
    if rows is not None:
        good = good and int(rows.sum()) == len(x) and not bool((rows[1:] > rows[:-1]).any())
    if not good or (b_x is None) != (b_h is None):
        given = (x, W_x, W_h, b_x, b_h, h_0, c_0, rows)
        shapes = ", ".join("None" if t is None else str(tuple(t.shape)) for t in given)
        raise ValueError(f"rnnexp::recurrence of a {cell} cell: shapes do not fit: {shapes}")


def _outputs(  # noqa: PLR0917
    x: Tensor, W_x: Tensor, W_h: Tensor, b_x: Tensor | None, b_h: Tensor | None,
    h_0: Tensor | None, c_0: Tensor | None, rows: Tensor | None, cell: str, reverse: bool,
    keep: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Room for what the forward pass writes; also what `torch.compile` has to know of it."""
    H, N = W_h.shape[1], x.shape[:-1].numel()
    B: Any = x.shape[1] if rows is None else rows[0].item()
    saved = native.saved_size(cell, H, x.dtype) * N if keep else 0
    c_n = x.new_empty((B, H) if cell == "lstm" else 0)
    return x.new_empty(*x.shape[:-1], H), x.new_empty(B, H), c_n, x.new_empty(saved)


def _backward(  # noqa: PLR0917
    dout: Tensor | None, dh_n: Tensor | None, dc_n: Tensor | None,
    x: Tensor, W_x: Tensor, W_h: Tensor, b_x: Tensor | None, b_h: Tensor | None,
    h_0: Tensor | None, c_0: Tensor | None, rows: Tensor | None, cell: str, reverse: bool,
    out: Tensor, saved: Tensor, input: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    gradients = _gradients(
        dout, dh_n, dc_n, x, W_x, W_h, b_x, b_h, h_0, c_0, rows, cell, reverse, out, saved, input
    )
    if saved.numel() != native.saved_size(cell, W_h.shape[1], x.dtype) * x.shape[:-1].numel():
        raise ValueError("RNNEXP_KERNELS has changed between a forward pass and its backward pass")
    steps, sizes = _steps(x, W_h, rows)
    given = _contiguous(x, W_x, W_h, b_x, b_h, h_0, c_0)
    flowing = _contiguous(dout, dh_n, dc_n)
    written = (t if t.numel() else None for t in gradients)
    tensors = (*steps, *given, out, None, None, saved, *flowing, *written)
    native.run("backward", cell, x.dtype, (*sizes, reverse), tensors)
    return gradients


def _gradients(  # noqa: PLR0917
    dout: Tensor | None, dh_n: Tensor | None, dc_n: Tensor | None,
    x: Tensor, W_x: Tensor, W_h: Tensor, b_x: Tensor | None, b_h: Tensor | None,
    h_0: Tensor | None, c_0: Tensor | None, rows: Tensor | None, cell: str, reverse: bool,
    out: Tensor, saved: Tensor, input: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Room for the gradients; empty where there is none to give."""
    wanted = (x if input else None, W_x, W_h, b_x, b_h, h_0, c_0)
    return tuple(x.new_empty(0) if t is None else x.new_empty(t.shape) for t in wanted)


def _contiguous(*tensors: Tensor | None) -> list[Tensor | None]:
    return [None if t is None else t.contiguous() for t in tensors]


def _steps(
    x: Tensor, W_h: Tensor, rows: Tensor | None
) -> tuple[tuple[Tensor, Tensor], tuple[int, int, int, int]]:
    """How many rows every step has and where they begin; T, B, I, H."""
    I, H = x.shape[-1], W_h.shape[1]  # noqa: E741
    if rows is None:
        T, B = x.shape[:2]
        return _uniform(T, B), (T, B, I, H)
    rows = rows.contiguous()
    return (rows, rows.cumsum(0) - rows), (len(rows), int(rows[0]), I, H)


@lru_cache(maxsize=64)
def _uniform(T: int, B: int) -> tuple[Tensor, Tensor]:
    return torch.full((T,), B, dtype=torch.int64), torch.arange(T, dtype=torch.int64) * B


class _Recurrence(torch.autograd.Function):
    """The operator with its gradient; what autograd runs."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, ...]:
        results = _below_autograd("recurrence", _forward, inputs)
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
        given = (dout, dh_n, dc_n, *inputs, rows, *ctx.settings, out, saved, needed[0])
        if torch.is_grad_enabled():
            found = torch.ops.rnnexp.recurrence_backward.default(*given)
        else:
            found = _below_autograd("recurrence_backward", _backward, given)
        wanted = (g if need else None for g, need in zip(found, needed, strict=False))
        return *wanted, None, None, None, None


class _RecurrenceBackward(torch.autograd.Function):
    """The gradient with a gradient of its own."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, ...]:
        ctx.save_for_backward(*inputs[:11])
        ctx.settings = inputs[11:13]
        ctx.set_materialize_grads(False)
        return _below_autograd("recurrence_backward", _backward, inputs)

    @staticmethod
    def backward(ctx: Any, *flowing: Tensor | None) -> Any:
        *tensors, rows = ctx.saved_tensors
        cell, reverse = ctx.settings
        found = differentiable(tensors, rows, cell, reverse, flowing, ctx.needs_input_grad)
        return *found, None, None, None, None, None, None


def _below_autograd(
    name: str, run: Callable[..., tuple[Tensor, ...]], inputs: tuple[Any, ...]
) -> tuple[Tensor, ...]:
    """The kernel itself, or where somebody watches, the operator."""
    if not (torch.compiler.is_compiling() or torch._C._len_torch_dispatch_stack()):
        return run(*inputs)
    with torch._C._AutoDispatchBelowAutograd():
        results: tuple[Tensor, ...] = getattr(torch.ops.rnnexp, name).default(*inputs)
    return results


LIBRARY.impl("recurrence", _forward, "CPU")
LIBRARY.impl("recurrence_backward", _backward, "CPU")
LIBRARY.impl("recurrence", _Recurrence.apply, "Autograd")
LIBRARY.impl("recurrence_backward", _RecurrenceBackward.apply, "Autograd")
torch.library.register_fake("rnnexp::recurrence", _outputs, lib=LIBRARY)
torch.library.register_fake("rnnexp::recurrence_backward", _gradients, lib=LIBRARY)
