"""The product of Jacobians ds_T/ds_k lag by lag, with as few multiplications as it takes.

`jacobians.back_one` sends every row of the product through the gates. Here W_hh is scaled by the
gates' derivatives first, so that one H x H product is left of the three or four. Every
product is kept near 1 by a power of two beside it, so nothing overflows and no digit is lost.
Shape letters: T time, B batch, H hidden, S state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from rnnexp.manual.cells import Cell, GruCell, LstmCell
from rnnexp.manual.jacobians import back_one
from rnnexp.manual.norm import Array, Values, Weights

__all__ = ["scaled_products"]

Back = Callable[[Weights, Values, Array], Array]

FREE = 64
"""powers of two that a product may grow or shrink by before it is scaled"""


def scaled_products(cell: Cell, w: Weights, values: Values) -> Iterator[tuple[Array, Array, Array]]:
    """P (B, S, S), ||P||_F (B,) and e (B,) with ds_T/ds_k = 2^e P, for k = T, T-1, ..., 0.

    ||P||_F lies within `FREE` of 1, or is 0, or not finite. values: (T, B, ...) by symbol.
    """
    T, B, S = len(values["s"]), values["s"].shape[1], cell.state_size
    P, exponent = np.tile(np.eye(S, dtype=values["s"].dtype), (B, 1, 1)), np.zeros(B, np.int64)
    yield P, _frobenius(P), exponent
    back = _back(cell, w)
    for t in reversed(range(T)):
        P = back(w, {name: value[t] for name, value in values.items()}, P)
        norm = _frobenius(P)
        _, more = np.frexp(norm)
        if np.abs(more).max() > FREE:
            P *= np.ldexp(1.0, -more)[:, None, None]
            norm, exponent = np.ldexp(norm, -more), exponent + more
        yield P, norm, exponent


def _frobenius(P: Array) -> Array:
    norm: Array = np.sqrt(np.einsum("bij,bij->b", P, P))
    return norm


def _back(cell: Cell, w: Weights) -> Back:
    """The quick way where there is one: not through layer normalisation."""
    quick: dict[type[Cell], Back] = {LstmCell: _lstm, GruCell: _gru}
    if type(cell) in quick and "gain_h" not in w:
        return quick[type(cell)]
    return lambda w, a, P: back_one(cell, w, a, P)


def _lstm(w: Weights, a: Values, P: Array) -> Array:
    """dh_t/dc_t = A, dc_t/dh_{t-1} = C and the o gate's share O of dh_t/dh_{t-1}, for all rows."""
    i, f, g, o, tanh_c = a["i"], a["f"], a["g"], a["o"], a["tanh_c"]
    W_i, W_f, W_g, W_o = np.split(w["W_hh"], 4)
    A = o * (1 - tanh_c**2)
    C = _rows(g * i * (1 - i)) * W_i
    C += _rows(a["c_prev"] * f * (1 - f)) * W_f
    C += _rows(i * (1 - g**2)) * W_g
    O = _rows(tanh_c * o * (1 - o)) * W_o  # noqa: E741
    P_h, P_c = np.split(P, 2, axis=-1)
    to_c = P_c + P_h * A[:, None]
    result = np.empty_like(P)
    np.matmul(to_c, C, out=result[..., : len(W_i)])
    result[..., : len(W_i)] += P_h @ O
    np.multiply(to_c, f[:, None], out=result[..., len(W_i) :])
    return result


def _gru(w: Weights, a: Values, P: Array) -> Array:
    """dh_t/dh_{t-1} = diag(z) + the three gates' shares of W_hh."""
    r, z, n = a["r"], a["z"], a["n"]
    W_r, W_z, W_n = np.split(w["W_hh"], 3)
    d_n = (1 - z) * (1 - n**2)
    D = _rows(d_n * r) * W_n
    D += _rows((a["h_prev"] - n) * z * (1 - z)) * W_z
    D += _rows(d_n * a["h_n"] * r * (1 - r)) * W_r
    result: Array = P @ D
    result += P * z[:, None]
    return result


def _rows(scale_BH: Array) -> Array:
    column: Array = scale_BH[..., None]
    return column
