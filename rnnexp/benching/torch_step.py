"""The best matrix product that this machine reaches; a layer's arithmetic is held against it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rnnexp
from rnnexp.benching.shape import Shape
from rnnexp.config.training_settings import Adam
from rnnexp.layers.recurrent import Recurrent
from rnnexp.training.clipping import NormClipper
from rnnexp.training.optimizers import build_optimizer
from rnnexp.training.update import Updater

__all__ = ["best_product", "make_step", "path_of"]


# A training step of `torch.nn`'s recurrent layers, or of ours in their place.

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


# The best matrix product that this machine reaches; a layer's arithmetic is held against it.

SIZES = (512, 1024, 2048)
LEAST = 3


def best_product(seconds: float) -> dict[str, Any]:
    """GFLOP/s of the fastest float32 product of square matrices in torch, and which one it was.

    Tried are MKL (`torch.mm`) and oneDNN (`mkldnn._linear_pointwise`), the best of `seconds` each.
    """
    rates = {name: rate for size in SIZES for name, rate in _rates(size, seconds)}
    by = max(rates, key=lambda name: rates[name])
    return {"gflops": rates[by], "by": by}


def _rates(size: int, seconds: float) -> Iterator[tuple[str, float]]:
    a_NN, b_NN = torch.randn(size, size), torch.randn(size, size)
    with torch.no_grad():
        for name, product in _products().items():
            run = partial(product, a_NN, b_NN)
            yield f"{name} {size}", 2e-9 * size**3 / _best_seconds(run, seconds)


def _products() -> dict[str, Callable[[Tensor, Tensor], Any]]:
    found: dict[str, Callable[[Tensor, Tensor], Any]] = {"torch.mm": torch.mm}
    if torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        linear = torch.ops.mkldnn._linear_pointwise
        found["oneDNN"] = lambda a_NN, b_NN: linear(a_NN, b_NN, None, "none", [], "")
    return found


def _best_seconds(run: Callable[[], object], seconds: float) -> float:
    run()
    best, number, began = float("inf"), 0, time.perf_counter()
    while number < LEAST or time.perf_counter() - began < seconds:
        before = time.perf_counter()
        run()
        best, number = min(best, time.perf_counter() - before), number + 1
    return best
