"""A training step of `torch.nn`'s recurrent layers, or of ours in their place."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

import rnnexp
from rnnexp.benching.shape import Shape
from rnnexp.config.schema.training import Adam
from rnnexp.layers.recurrent import Recurrent
from rnnexp.training.clipping import NormClipper
from rnnexp.training.optimizers import build_optimizer
from rnnexp.training.update import Updater

__all__ = ["make_step", "path_of"]

LR, CLIP = 1e-3, 1.0


def make_step(
    cell: str, shape: Shape, *, ours: bool
) -> tuple[Callable[[], float], tuple[str, str] | None]:
    """Forward, loss on the last state through a linear head, backward, clip by norm, fused Adam.

    The function that does it once and returns the loss, and which path runs our layer and why.
    torch's clips and steps as scripts do, ours as `rnnexp train` does.
    """
    torch.manual_seed(0)
    layer = getattr(rnnexp if ours else nn, cell.upper())(shape.I, shape.H, shape.L)
    head = nn.Linear(shape.H, 1)
    network = nn.ModuleList([layer, head])
    update = (_our_update if ours else _torch_update)(network)
    x_TBI, y_B1 = torch.randn(shape.T, shape.B, shape.I), torch.randn(shape.B, 1)

    def step() -> float:
        _, state = layer(x_TBI)
        h_LBH = state[0] if cell == "lstm" else state
        loss = F.mse_loss(head(h_LBH[-1]), y_B1)
        loss.backward()  # type: ignore[no-untyped-call]
        return update(loss)

    return step, path_of(layer, x_TBI) if ours else None


def _torch_update(network: nn.Module) -> Callable[[torch.Tensor], float]:
    parameters = list(network.parameters())
    optimizer = torch.optim.Adam(parameters, lr=LR, fused=True)

    def update(loss: torch.Tensor) -> float:
        nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    return update


def _our_update(network: nn.Module) -> Callable[[torch.Tensor], float]:
    optimizer = build_optimizer(Adam(name="adam", lr=LR), network.parameters())
    updater = Updater(network, optimizer, NormClipper(CLIP))

    def update(loss: torch.Tensor) -> float:
        return updater.step(loss, LR).loss

    return update


def path_of(layer: Recurrent, x_TBI: torch.Tensor) -> tuple[str, str]:
    """Which path runs a drop-in layer on such an input, and why: what the layer itself says."""
    path = layer.path(x_TBI)
    return path.name, path.reason
