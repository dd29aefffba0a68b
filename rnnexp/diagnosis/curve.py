"""||ds_t/ds_k|| by lag t - k, of one reader, at the last step t = T of every sequence.

Shape letters: T time, B sequences, S state, H hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnnexp.diagnosis.chain import scaled_products
from rnnexp.diagnosis.spectral import SpectralNorms
from rnnexp.manual.cells import LstmCell
from rnnexp.manual.network import Reader
from rnnexp.manual.norm import Array, Values

__all__ = ["Spread", "jacobian_norms", "measure", "spread_of"]


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
