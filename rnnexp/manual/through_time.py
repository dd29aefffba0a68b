"""ds_t/ds_k: the product of the Jacobians between two steps, and its norms by lag t - k.

Shape letters: T time, B batch, S state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rnnexp.manual.hand_cells import Array, Cell, Values, Weights
from rnnexp.manual.hand_network import ReaderSum
from rnnexp.manual.unroll import by_lag

__all__ = ["Contribution", "back_one", "contributions", "jacobian", "products"]


# Which past steps a gradient comes from: the double sum's terms by lag t - k.


@dataclass(frozen=True)
class Contribution:
    """One lag's share G_lag of the gradient G of a weight.

    norm: its Frobenius norm. share: <G_lag, G> / <G, G>, signed; the shares add up to 1.
    """

    lag: int
    norm: float
    share: float


def contributions(sums: Sequence[ReaderSum], symbol: str | None = None) -> list[Contribution]:
    """The terms of one reader's weight, its recurrent matrix by default, summed over sequences.

    sums: that reader's double sum for each sequence (or group of sequences of one length).
    """
    symbol = symbol or sums[0].reader.cell.recurrent
    whole = np.sum([each.gradients.weights[symbol] for each in sums], axis=0)
    longest = max(len(each.dy) for each in sums)
    terms = [by_lag(each.reader.cell, each.reader.weights, each.values, each.dy) for each in sums]
    found = []
    for lag in range(longest):
        parts = [next(term, None) for term in terms]
        one = np.sum([part.weights[symbol] for part in parts if part is not None], axis=0)
        found.append(Contribution(lag, float(np.linalg.norm(one)), _share(one, whole)))
    return found


def _share(one: Array, whole: Array) -> float:
    square = float((whole**2).sum())
    return float((one * whole).sum()) / square if square else 0.0


# ds_t/ds_k: the product of the Jacobians between two steps, and its norms by lag t - k.


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
