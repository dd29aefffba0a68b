"""The best matrix product that this machine reaches; a layer's arithmetic is held against it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

__all__ = ["best_product"]

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
