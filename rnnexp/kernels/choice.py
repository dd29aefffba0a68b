"""Which path runs a layer, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from rnnexp.kernels import native, torch_path

__all__ = ["Path", "available", "in_use", "obstacle", "on_device"]


@dataclass(frozen=True)
class Path:
    """What runs a layer. `native` and `bptt` are `rnnexp::recurrence`: compiled kernels, and where
    there are none the same by hand in torch's operators. `torch`: torch's own loop. `equations`:
    step by step.
    """

    name: Literal["native", "bptt", "torch", "equations"]
    reason: str

    @property
    def ours(self) -> bool:
        return self.name in {"native", "bptt"}


def in_use() -> str | None:
    """The instruction set of the kernels, `bptt`, or None where RNNEXP_KERNELS forbids both."""
    by_hand = "bptt" if native.ASKED in {None, "", "bptt"} else None
    return native.instruction_set() or by_hand


def available(
    cell: str,
    *,
    layer_norm: bool,
    recurrent_dropout: float,
    recurrence: str = "hidden_to_hidden",
) -> tuple[Path, ...]:
    """Every path that can run such a layer, the chosen one first."""
    if recurrence != "hidden_to_hidden":
        return (Path("equations", f"{recurrence} feeds the output back at every time step"),)
    if layer_norm:
        return (Path("equations", "layer_norm normalises inside every time step"),)
    if recurrent_dropout:
        return (Path("equations", "recurrent_dropout masks h inside every time step"),)
    equations = Path("equations", "the cell's equations, step by step")
    used, standard = in_use(), f"standard {cell} cell"
    why = "as RNNEXP_KERNELS says" if native.ASKED else "no compiled kernels"
    if used is None or (used == "bptt" and cell == "lstm"):
        return Path("torch", f"{standard}, {why}"), equations
    best = Path("native", f"{standard}, {used} kernels")
    if used == "bptt":
        best = Path("bptt", f"{standard}, its gradient by hand, {why}")
    return best, Path("torch", standard), equations


def on_device(paths: Sequence[Path], device: str, precision: str) -> Path:
    """The path among `available` that runs on such a device in such a precision."""
    if not paths[0].ours or (device == "cpu" and precision == "float32"):
        return paths[0]
    why = "cuDNN" if device == "cuda" else "products in bfloat16"
    return Path(paths[1].name, f"{paths[1].reason}, {why}")


def obstacle(cell: str, x: Tensor, *others: Tensor | None) -> str | None:
    """Why `rnnexp::recurrence` cannot take this very input; None where it can.

    cell: as the operator names it. x: (T, B, I), or packed (N, I). others: weights and states,
    which must be alike.
    """
    if native.instruction_set() is None and (in_use() is None or cell not in torch_path.CELLS):
        return "no compiled kernels"
    if not x.is_cpu:
        return f"on {x.device.type}"
    if torch.is_autocast_enabled("cpu") or _within_torch_func():
        return "autocast or torch.func"
    for tensor in (x, *others):
        if tensor is not None and (tensor.dtype != x.dtype or x.dtype not in native.DTYPES):
            return f"{tensor.dtype}, the input {x.dtype}"
    one_row = x.numel() < 2 * x.shape[-1]
    return "a single row is not worth packing the weights for" if one_row else None


def _within_torch_func() -> bool:
    return not torch.compiler.is_compiling() and torch._C._are_functorch_transforms_active()
