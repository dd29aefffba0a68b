"""All time steps of one layer, and backpropagation through time as the lecture's double sum.

    dL/dW = sum over t, sum over k <= t:  dL_t/ds_t * (prod_{i=k+1..t} ds_i/ds_{i-1}) * ds_k/dW

with s_{k-1} held fixed in the last factor. The sum is ordered by lag t - k: term 0 is what every
loss says about its own step, term 1 what it says about the step before, and so on. Shape letters:
T time, I input, S state, Y output; `...` any axes between time and features (none, or a batch).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnexp.manual.hand_cells import Array, Cell, Values, Weights

__all__ = ["Gradients", "LagTerm", "by_lag", "double_sum", "unroll"]

Teacher = tuple[Array, Array]


def unroll(
    cell: Cell, w: Weights, x_TI: Array, s_0: Array, teacher: Teacher | None = None
) -> Values:
    """The values of all steps by symbol, time first: x_TI (T, ..., I), s_0 (..., S).

    teacher: the true previous outputs (T, ..., O) and where they are read (T, ..., 1), for the
    recurrences that feed the output back.
    """
    steps, s = [], s_0
    for t, x in enumerate(x_TI):
        forced: dict[str, Any] = (
            {} if teacher is None else {"teacher": (teacher[0][t], teacher[1][t])}
        )
        a = cell.forward(w, x, s, **forced)
        steps.append(a)
        s = a["s"]
    return {symbol: np.stack([a[symbol] for a in steps]) for symbol in steps[0]}


@dataclass(frozen=True)
class LagTerm:
    """The terms of the double sum with one value of t - k.

    weights: their share of dL/dW by symbol; x (T - lag, ..., I): of dL/dx_k for k = 1..T-lag;
    s_0 (..., S): of dL/ds_0, from the one loss that is `lag` + 1 steps away from it.
    """

    lag: int
    weights: Values
    x: Array
    s_0: Array


def by_lag(cell: Cell, w: Weights, values: Values, dy_TY: Array) -> Iterator[LagTerm]:
    """The double sum, one lag after the other; dy_TY (T, ..., Y) is dL_t/dy_t."""
    T = len(dy_TY)
    none = np.zeros((), dtype=dy_TY.dtype)
    v = np.zeros_like(values["s"])  # dL_t/ds_k of the pairs with t - k = lag, k = 1..T-lag
    for lag in range(T):
        a = {symbol: value[: T - lag] for symbol, value in values.items()}
        dz, back = cell.backward(w, a, v, none if lag else dy_TY)
        yield LagTerm(lag, cell.immediate(w, a, dz), cell.input_gradient(w, a, dz), back[0])
        v = back[1:]


@dataclass(frozen=True)
class Gradients:
    """The double sum, summed: dL/dW by symbol, dL/dx (T, ..., I), dL/ds_0 (..., S)."""

    weights: Values
    x: Array
    s_0: Array


def double_sum(cell: Cell, w: Weights, values: Values, dy_TY: Array) -> Gradients:
    """dL/dW, dL/dx and dL/ds_0 of one layer from dL/dy of each of its steps."""
    x, s_0 = np.zeros_like(values["x"]), np.zeros_like(values["s"][0])
    weights: Values = {}
    for term in by_lag(cell, w, values, dy_TY):
        for symbol, gradient in term.weights.items():
            weights[symbol] = weights.get(symbol, 0) + gradient
        x[: len(term.x)] += term.x
        s_0 = s_0 + term.s_0
    return Gradients(weights, x, s_0)
