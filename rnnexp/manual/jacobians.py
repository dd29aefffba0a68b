"""ds_t/ds_k: the product of the Jacobians between two steps, and its norms by lag t - k.

Shape letters: T time, B batch, S state.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnnexp.manual.cells import Cell
from rnnexp.manual.norm import Array, Values, Weights

__all__ = ["back_one", "jacobian", "products"]


def jacobian(cell: Cell, w: Weights, values: Values) -> Array:
    """ds_t/ds_{t-1} (..., S, S) at the steps of `values`: the chain rule applied to each row."""
    S = cell.state_size
    leading = values["s"].shape[:-1]
    identity = np.broadcast_to(np.eye(S, dtype=values["s"].dtype), (*leading, S, S))
    return back_one(cell, w, values, identity)


def products(cell: Cell, w: Weights, values: Values) -> Iterator[Array]:
    """ds_T/ds_k (..., S, S) for k = T, T-1, ..., 0: lags 0 to T, each from the one before."""
    T, S = len(values["s"]), cell.state_size
    leading = values["s"].shape[1:-1]
    product = np.broadcast_to(np.eye(S, dtype=values["s"].dtype), (*leading, S, S))
    yield product
    for t in reversed(range(T)):
        product = back_one(cell, w, {name: value[t] for name, value in values.items()}, product)
        yield product


def back_one(cell: Cell, w: Weights, a: Values, rows: Array) -> Array:
    """rows (..., R, S) times ds_t/ds_{t-1}: each row is a gradient that arrives at s_t."""
    spread = {symbol: value[..., None, :] for symbol, value in a.items()}
    _, back = cell.backward(w, spread, rows, np.zeros((), dtype=rows.dtype))
    return back
