"""||ds_t/ds_k|| by lag t - k, of one reader, at the last step t = T of every sequence.

Shape letters: T time, B sequences, S state, H hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnnexp.manual.hand_cells import Array, Cell, GruCell, LstmCell, Values, Weights
from rnnexp.manual.hand_network import Reader
from rnnexp.manual.through_time import back_one

__all__ = ["SpectralNorms", "Spread", "jacobian_norms", "measure", "scaled_products", "spread_of"]


# The product of Jacobians ds_T/ds_k lag by lag, with as few multiplications as it takes.
#
# `jacobians.back_one` sends every row of the product through the gates. Here W_hh is scaled by the
# gates' derivatives first, so that one H x H product is left of the three or four. Every product
# is kept near 1 by a power of two beside it, so nothing overflows and no digit is lost. Shape
# letters: T time, B batch, H hidden, S state.

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


# The largest singular value of matrices that change little from one to the next.
#
# The products ds_T/ds_k and ds_T/ds_{k-1} share the factors at the end of time, so their left
# singular vectors barely turn. A block of them is carried along and corrected by subspace
# iteration with Rayleigh-Ritz (Golub and Van Loan, Matrix Computations, 8.2); where the residual
# does not prove the value, it is computed anew, exactly. Shape letters: B matrices, S rows, K
# vectors.

BLOCK = 8
"""vectors carried along: enough that the next singular value lies well below the first"""
ITERATIONS = 4
"""corrections after which the exact way is the cheaper one"""
TOLERANCE = 1e-9
"""of the largest norm seen so far: a tenth of the error that is allowed"""
LARGEST_EXPONENT = 800
"""2^800 leaves room in a float; nothing beyond it needs to be told apart"""


class SpectralNorms:
    """Spectral norms of batches of S x S matrices, given one after the other.

    exact: how many were computed anew, of `seen`.
    """

    def __init__(self, batch: int, size: int) -> None:
        self.U = np.random.default_rng(0).standard_normal((batch, size, min(BLOCK, size)))
        self.scale = np.zeros(batch)
        self.seen = self.exact = 0

    def of(self, P: Array, exponent: Array) -> Array:
        """||P|| (B,) of finite P (B, S, S); the caller divided P by 2^exponent (B,)."""
        unit = np.ldexp(1.0, np.clip(exponent, -LARGEST_EXPONENT, LARGEST_EXPONENT))
        for left in reversed(range(max(ITERATIONS, P.shape[-1] // 16))):
            norms, errors, rate = self._correct(P)
            self.scale = np.maximum(self.scale, norms * unit)
            allowed = TOLERANCE * self.scale
            unproven = ~(errors * unit <= allowed)
            if not unproven.any() or (errors * rate**left * unit > allowed).any():
                break
        if unproven.any():
            norms[unproven] = largest_singular_values(P[unproven])
            self.scale = np.maximum(self.scale, norms * unit)
        self.seen += len(norms)
        self.exact += int(unproven.sum())
        return norms

    def _correct(self, P: Array) -> tuple[Array, Array, Array]:
        """One iteration: the largest Ritz value's root (B,), its error, and how fast that falls.

        V spans P^T U and theta are the Ritz values of P^T P there; P V Q is the next U, whose
        columns are orthogonal because Q diagonalises (P V)^T (P V).
        """
        transposed = np.swapaxes(P, -1, -2)
        V = np.linalg.qr(transposed @ self.U)[0]
        Z = P @ V
        theta, Q = np.linalg.eigh(np.swapaxes(Z, -1, -2) @ Z)
        theta = np.maximum(theta, 0)
        Z = Z @ Q
        v = (V @ Q[..., -1:])[..., 0]
        back = (transposed @ Z[..., -1:])[..., 0]
        residual = np.linalg.norm(back - theta[..., -1:] * v, axis=-1)
        self.U = Z / np.sqrt(np.where(theta > 0, theta, 1.0))[..., None, :]
        return _with_error(theta, residual)


def _with_error(theta: Array, residual: Array) -> tuple[Array, Array, Array]:
    """sigma = sqrt(theta_1); |d theta_1| <= residual, or residual^2 over the gap (Parlett, 11.7).

    The error falls by (theta_K / theta_1)^2 with every iteration.
    """
    first, last = theta[..., -1], theta[..., 0]
    sigma = np.sqrt(first)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.fmin(residual, residual**2 / (first - last)) / (2 * sigma)
        rate = np.where(first > 0, (last / first) ** 2, 0.0)
    return sigma, np.where(residual == 0, 0.0, error), rate


def largest_singular_values(P: Array) -> Array:
    """The same without memory: the root of the largest eigenvalue of P P^T (B,)."""
    gram = P @ np.swapaxes(P, -1, -2)
    largest: Array = np.sqrt(np.maximum(np.linalg.eigvalsh(gram)[..., -1], 0))
    return largest


# ||ds_t/ds_k|| by lag t - k, of one reader, at the last step t = T of every sequence.


@dataclass(frozen=True)
class Spread:
    """Values by lag 0, 1, ...: mean, smallest and largest over the sequences that are so long.

    What is too small for a float is 0, what is too large infinity; there is no NaN.
    """

    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def at(self, lag: int) -> float:
        """The mean at a lag, or at the last one there is."""
        return self.mean[min(lag, len(self.mean) - 1)]

    @property
    def half_life(self) -> int | None:
        """The first lag at which the mean is below half of what it is at lag 0; None if never."""
        half = self.mean[0] / 2
        return next((lag for lag, value in enumerate(self.mean) if value < half), None)


def measure(reader: Reader, groups: Sequence[Values]) -> dict[str, Spread]:
    """The norms of one reader over all groups of sequences.

    `spectral` and `frobenius` of ds_T/ds_k; for the LSTM, whose state is (h, c), also `h_spectral`
    and `h_frobenius` of dh_T/dh_k.
    """
    curves = [jacobian_norms(reader, values) for values in groups]
    return {name: spread_of([curve[name] for curve in curves]) for name in curves[0]}


def jacobian_norms(reader: Reader, values: Values) -> Mapping[str, Array]:
    """The norms (T + 1, B) by lag; values (T, B, ...)."""
    cell, B = reader.cell, values["s"].shape[1]
    H = cell.hidden_size if isinstance(cell, LstmCell) else None
    whole, alone = (SpectralNorms(B, size) for size in (cell.state_size, H or 1))
    norms: dict[str, list[Array]] = {}
    for P, frobenius, exponent in scaled_products(cell, reader.weights, values):
        finite = np.isfinite(frobenius)
        kept = P if finite.all() else np.where(finite[:, None, None], P, 0)
        found = {"spectral": whole.of(kept, exponent), "frobenius": frobenius}
        if H is not None:
            block = kept[:, :H, :H]
            size = np.sqrt(np.einsum("bij,bij->b", block, block))
            found |= {"h_spectral": alone.of(block, exponent), "h_frobenius": size}
        for name, norm_B in found.items():
            unscaled = _unscaled(np.where(finite, norm_B, np.inf), exponent)
            norms.setdefault(name, []).append(unscaled)
    return {name: np.stack(rows) for name, rows in norms.items()}


def spread_of(curves: Sequence[Array]) -> Spread:
    """Mean, smallest and largest over sequences of curves (lags, B) that differ in length."""
    longest = max(map(len, curves))
    rows = [
        np.concatenate([curve, np.full((longest - len(curve), curve.shape[1]), np.nan)])
        for curve in curves
    ]
    table = np.concatenate(rows, axis=1)
    with np.errstate(over="ignore"):
        found = (np.nanmean(table, 1), np.nanmin(table, 1), np.nanmax(table, 1))
    return Spread(*(tuple(values.tolist()) for values in found))


def _unscaled(norm_B: Array, exponent_B: Array) -> Array:
    """2^e times the norm: 0 or infinity where that is no float."""
    with np.errstate(over="ignore", under="ignore"):
        result: Array = np.ldexp(norm_B, exponent_B)
    return result
