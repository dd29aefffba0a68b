"""A training step of `torch.nn`'s recurrent layers, or of ours in their place."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

import rnnexp
from rnnexp.benching.shape import Shape
from rnnexp.layers.recurrent import Recurrent

__all__ = ["make_step", "path_of"]


def make_step(
    cell: str, shape: Shape, *, ours: bool
) -> tuple[Callable[[], float], tuple[str, str] | None]:
    """Forward, loss on the last step through a linear head, backward, clip by norm, fused Adam.

    The function that does it once and returns the loss, and which path runs our layer and why.
    """
    torch.manual_seed(0)
    layer = getattr(rnnexp if ours else nn, cell.upper())(shape.I, shape.H, shape.L)
    head = nn.Linear(shape.H, 1)
    parameters = [*layer.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True)
    x_TBI, y_B1 = torch.randn(shape.T, shape.B, shape.I), torch.randn(shape.B, 1)

    def step() -> float:
        h_TBH, _ = layer(x_TBI)
        loss = F.mse_loss(head(h_TBH[-1]), y_B1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        return loss.item()

    return step, path_of(layer, x_TBI) if ours else None


def path_of(layer: Recurrent, x_TBI: torch.Tensor) -> tuple[str, str]:
    """Which path runs a drop-in layer on such an input, and why: what the layer itself says."""
    path = layer.path(x_TBI)
    return path.name, path.reason
