"""Which path runs a layer, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from rnnexp.kernels import native

__all__ = ["Path", "available", "native_reason", "on_device"]


@dataclass(frozen=True)
class Path:
    """`native`: compiled kernels. `torch`: torch's own loop. `equations`: step by step."""

    name: Literal["native", "torch", "equations"]
    reason: str


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
    instructions = native.instruction_set()
    if instructions is None:
        why = "no compiled kernels" if not native.usable() else "as RNNEXP_KERNELS says"
        return Path("torch", f"standard {cell} cell, {why}"), equations
    return (
        Path("native", f"standard {cell} cell, {instructions} kernels"),
        Path("torch", f"standard {cell} cell"),
        equations,
    )


def on_device(paths: Sequence[Path], device: str, precision: str) -> Path:
    """The path among `available` that runs on such a device in such a precision."""
    if paths[0].name != "native" or (device == "cpu" and precision == "float32"):
        return paths[0]
    why = "cuDNN" if device == "cuda" else "products in bfloat16"
    return Path(paths[1].name, f"{paths[1].reason}, {why}")


def native_reason(x: Tensor, *others: Tensor | None) -> str | None:
    """Why the compiled kernels cannot take this very input; None where they can.

    x: (T, B, I), or packed (N, I). others: weights and states, which must be alike.
    """
    if native.instruction_set() is None:
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
