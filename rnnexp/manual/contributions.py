"""Which past steps a gradient comes from: the double sum's terms by lag t - k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnexp.manual.network import ReaderSum
from rnnexp.manual.norm import Array
from rnnexp.manual.unroll import by_lag

__all__ = ["Contribution", "contributions"]


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
