"""`rnnexp::recurrence`: one recurrent layer in one direction, as one operator that torch knows.

Autograd, `torch.compile` and `torch.export` see a single node. Its gradient is an operator too,
`rnnexp::recurrence_backward`, and that one's gradient comes from torch's own differentiable loops.
Shape letters: T time, B batch, I input, H hidden, G gates, N rows of all time steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from typing import Any

import torch
from torch import Tensor

from rnnexp.kernels import native, torch_path
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
    " Tensor? saved, bool input) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"
)


def recurrence(  # noqa: PLR0917
    cell: str,
    x: Tensor,
    weights: Sequence[Tensor | None],
    h_0: Tensor | None = None,
    c_0: Tensor | None = None,
    rows: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Every output, the last h and the last c (None where the cell has none).

    cell: tanh, relu, lstm or gru. x: (T, B, I), or with `rows` packed (N, I), where step t has the
    first rows[t] sequences (int64, never rising). weights: W_xh (GH, I), W_hh (GH, H), b_xh and
    b_hh (GH,) or None. h_0, c_0: (B, H), None for zeros. reverse: from the last step to the first.
    """
    W_x, W_h, b_x, b_h = weights
    keep = torch.is_grad_enabled() and any(
        t is not None and t.requires_grad for t in (W_h, x, W_x, b_x, b_h, h_0, c_0)
    )
    inputs: tuple[Any, ...] = (x, W_x, W_h, b_x, b_h, h_0, c_0, rows, cell, reverse, keep)
    if _watched():
        out, h_n, c_n, _ = torch.ops.rnnexp.recurrence.default(*inputs)
        c_n = c_n if cell == "lstm" else None
    else:  # the same without torch's dispatcher, which takes longer than a small layer
        apply: Any = _Recurrence.apply
        out, h_n, c_n, _ = apply(*inputs) if keep else _forward(*inputs)
    return out, h_n, c_n


def _watched() -> bool:
    """Whether somebody has to see the operator: torch's compiler, export, a dispatch mode."""
    return torch.compiler.is_compiling() or torch._C._len_torch_dispatch_stack() > 0


Some = tuple[Tensor | None, ...]


def _forward(  # noqa: PLR0917
    x: Tensor, W_x: Tensor, W_h: Tensor, b_x: Tensor | None, b_h: Tensor | None,
    h_0: Tensor | None, c_0: Tensor | None, rows: Tensor | None, cell: str, reverse: bool,
    keep: bool,
) -> Some:  # fmt: skip
    steps, sizes = _steps(x, W_h, rows)
    _check(x, W_x, W_h, b_x, b_h, h_0, c_0, rows, cell, sizes)
    results = _outputs(x, W_x, W_h, b_x, b_h, h_0, c_0, rows, cell, reverse, keep)
    if native.instruction_set() is None:
        if cell not in torch_path.CELLS:
            raise RuntimeError(f"rnnexp::recurrence of a {cell} cell: no compiled kernels here")
        walk = _walk(x, h_0, rows, reverse, sizes)
        torch_path.forward(cell, x, (W_x, W_h, b_x, b_h), walk, results)
        return results
    given = _contiguous(x, W_x, W_h, b_x, b_h, h_0, c_0)
    native.run("forward", cell, x.dtype, (*sizes, reverse), (*steps, *given, *results))
    return results


def _check(  # noqa: PLR0917
    x: Tensor, W_x: Tensor, W_h: Tensor, b_x: Tensor | None, b_h: Tensor | None,
    h_0: Tensor | None, c_0: Tensor | None, rows: Tensor | None, cell: str, sizes: Sizes,
) -> None:  # fmt: skip
    """The kernels trust what they are given. Raises ValueError: shapes that do not fit together."""
    _, B, I, H = sizes  # noqa: E741
    G = native.GATES[cell] * H
    good = x.dim() == (3 if rows is None else 2) and W_x.shape == (G, I) and W_h.shape == (G, H)
    if b_x is not None and b_h is not None:
        good = good and b_x.shape == b_h.shape == (G,)
    else:
        good = good and b_x is b_h
    for state in (h_0, c_0):
        good = good and (state is None or state.shape == (B, H))
    if rows is not None:
        good = good and int(rows.sum()) == len(x) and not bool((rows[1:] > rows[:-1]).any())
    if not good:
        given = (x, W_x, W_h, b_x, b_h, h_0, c_0, rows)
        shapes = ", ".join("None" if t is None else str(tuple(t.shape)) for t in given)
        raise ValueError(f"rnnexp::recurrence of a {cell} cell: shapes do not fit: {shapes}")


def _outputs(  # noqa: PLR0917
    x: Tensor, W_x: Tensor, W_h: Tensor, b_x: Tensor | None, b_h: Tensor | None,
    h_0: Tensor | None, c_0: Tensor | None, rows: Tensor | None, cell: str, reverse: bool,
    keep: bool,
) -> Some:  # fmt: skip
    """Room for what the forward pass writes; also what `torch.compile` has to know of it."""
    H, N = W_h.shape[1], x.shape[:-1]
    B: Any = x.shape[1] if rows is None else rows[0].item()
    size = native.saved_size(cell, H, x.dtype) if keep else 0
    c_n = x.new_empty(B, H) if cell == "lstm" else None
    saved = x.new_empty(size * N.numel()) if size else None
    return x.new_empty(*N, H), x.new_empty(B, H), c_n, saved


def _backward(  # noqa: PLR0917
    dout: Tensor | None, dh_n: Tensor | None, dc_n: Tensor | None,
    x: Tensor, W_x: Tensor, W_h: Tensor, b_x: Tensor | None, b_h: Tensor | None,
    h_0: Tensor | None, c_0: Tensor | None, rows: Tensor | None, cell: str, reverse: bool,
    out: Tensor, saved: Tensor | None, input: bool,
) -> Some:  # fmt: skip
    gradients = _gradients(
        dout, dh_n, dc_n, x, W_x, W_h, b_x, b_h, h_0, c_0, rows, cell, reverse, out, saved, input
    )
    steps, sizes = _steps(x, W_h, rows)
    size = native.saved_size(cell, sizes[3], x.dtype)
    if size and (saved is None or saved.numel() * sizes[2] != size * x.numel()):
        raise ValueError("`saved` is not what the forward pass of these kernels keeps")
    if native.instruction_set() is None:
        walk = _walk(x, h_0, rows, reverse, sizes)
        torch_path.backward(cell, x, (W_x, W_h, b_x, b_h), walk, out, saved, dout, dh_n, gradients)
        return gradients
    given = _contiguous(x, W_x, W_h, b_x, b_h, h_0, c_0)
    flowing = _contiguous(dout, dh_n, dc_n)
    tensors = (*steps, *given, out, None, None, saved, *flowing, *gradients)
    native.run("backward", cell, x.dtype, (*sizes, reverse), tensors)
    return gradients


def _gradients(  # noqa: PLR0917
    dout: Tensor | None, dh_n: Tensor | None, dc_n: Tensor | None,
    x: Tensor, W_x: Tensor, W_h: Tensor, b_x: Tensor | None, b_h: Tensor | None,
    h_0: Tensor | None, c_0: Tensor | None, rows: Tensor | None, cell: str, reverse: bool,
    out: Tensor, saved: Tensor | None, input: bool,
) -> Some:  # fmt: skip
    """Room for the gradients."""
    wanted = (x if input else None, W_x, W_h, b_x, b_h, h_0, c_0)
    return tuple(None if t is None else x.new_empty(t.shape) for t in wanted)


def _contiguous(*tensors: Tensor | None) -> list[Tensor | None]:
    return [None if t is None else t.contiguous() for t in tensors]


Sizes = tuple[int, int, int, int]


def _steps(x: Tensor, W_h: Tensor, rows: Tensor | None) -> tuple[tuple[Tensor, Tensor], Sizes]:
    """How many rows every step has and where they begin; T, B, I, H."""
    H = W_h.shape[1]
    if rows is None:
        T, B, I = x.shape  # noqa: E741
        return _uniform(T, B), (T, B, I, H)
    rows = rows.contiguous()
    return (rows, rows.cumsum(0) - rows), (len(rows), int(rows[0]), x.shape[-1], H)


def _walk(
    x: Tensor, h_0: Tensor | None, rows: Tensor | None, reverse: bool, sizes: Sizes
) -> torch_path.Walk:
    T, B, _, H = sizes
    rows_T = [B] * T if rows is None else rows.tolist()
    return torch_path.Walk(rows_T, x.new_zeros(B, H) if h_0 is None else h_0, reverse)


@lru_cache(maxsize=64)
def _uniform(T: int, B: int) -> tuple[Tensor, Tensor]:
    return torch.full((T,), B, dtype=torch.int64), torch.arange(T, dtype=torch.int64) * B


class _Recurrence(torch.autograd.Function):
    """The operator with its gradient; what autograd runs."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Some:
        results = _below_autograd("recurrence", _forward, inputs)
        *tensors, cell, reverse, _ = inputs
        out, _, c_n, saved = results
        ctx.save_for_backward(*tensors, out, saved)
        ctx.settings = cell, reverse
        ctx.set_materialize_grads(False)
        constant = (saved,) if cell == "lstm" else (c_n, saved)
        ctx.mark_non_differentiable(*(t for t in constant if t is not None))
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
        wanted = [g if need else None for g, need in zip(found, needed, strict=False)]
        return *wanted, None, None, None, None


class _RecurrenceBackward(torch.autograd.Function):
    """The gradient with a gradient of its own."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Some:
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


def _below_autograd(name: str, run: Callable[..., Some], inputs: tuple[Any, ...]) -> Some:
    """The kernel itself, or where somebody watches, the operator."""
    if not _watched():
        return run(*inputs)
    with torch._C._AutoDispatchBelowAutograd():
        results: Some = getattr(torch.ops.rnnexp, name).default(*inputs)
    return results


def _full(run: Callable[..., Some]) -> Callable[..., tuple[Tensor, ...]]:
    """Operators return nothing but tensors: an empty one where there is none."""

    @wraps(run)
    def operator(*inputs: Any) -> tuple[Tensor, ...]:
        like = next(t for t in inputs if t is not None)
        return tuple(like.new_empty(0) if t is None else t for t in run(*inputs))

    return operator


LIBRARY.impl("recurrence", _full(_forward), "CPU")
LIBRARY.impl("recurrence_backward", _full(_backward), "CPU")
LIBRARY.impl("recurrence", _full(_Recurrence.apply), "Autograd")
LIBRARY.impl("recurrence_backward", _full(_RecurrenceBackward.apply), "Autograd")
torch.library.register_fake("rnnexp::recurrence", _full(_outputs), lib=LIBRARY)
torch.library.register_fake("rnnexp::recurrence_backward", _full(_gradients), lib=LIBRARY)
