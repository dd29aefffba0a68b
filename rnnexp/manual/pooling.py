"""One answer from all steps: the pool over time by hand, and its derivative.

Shape letters: T time, Y outputs of the last layer; `...` is nothing, or a batch of sequences of
one length.
"""

from __future__ import annotations

import numpy as np

from rnnexp.manual.norm import Array

__all__ = ["pooled", "pooled_gradient"]


def pooled(y: Array, pooling: str) -> Array:
    """y (T, ..., Y) -> (..., Y): the mean or the largest value of each unit; `last` is y itself."""
    if pooling == "last":
        return y
    whole: Array = y.mean(0) if pooling == "mean" else y.max(0)
    return whole


def pooled_gradient(y: Array, d_top: Array, pooling: str) -> Array:
    """dL/dy_t (T, ..., Y) from dL/dtop (..., Y).

    mean: a T-th to every step. max: all of it to the step that is the largest, in equal parts
    where several are.
    """
    if pooling == "last":
        return d_top
    if pooling == "mean":
        return np.broadcast_to(d_top / y.dtype.type(len(y)), y.shape)
    largest: Array = (y == y.max(0)).astype(y.dtype)
    shared: Array = largest * (d_top / largest.sum(0))
    return shared
