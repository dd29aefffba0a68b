"""The largest singular value of matrices that change little from one to the next.

The products ds_T/ds_k and ds_T/ds_{k-1} share the factors at the end of time, so their left
singular vectors barely turn. A block of them is carried along and corrected by subspace iteration
with Rayleigh-Ritz (Golub and Van Loan, Matrix Computations, 8.2); where the residual does not
prove the value, it is computed anew, exactly. Shape letters: B matrices, S rows, K vectors.
"""

from __future__ import annotations

import numpy as np

from rnnexp.manual.norm import Array

__all__ = ["SpectralNorms", "largest_singular_values"]

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
