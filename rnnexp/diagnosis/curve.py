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
    whole = slice(reader.cell.state_size)
    parts = {"": whole}
    if isinstance(reader.cell, LstmCell):
        parts["h_"] = slice(reader.cell.hidden_size)
    B = values["s"].shape[1]
    trackers = {name: SpectralNorms(B, part.stop) for name, part in parts.items()}
    norms: dict[str, list[Array]] = {}
    for lag, (P, exponent) in enumerate(scaled_products(reader.cell, reader.weights, values)):
        for name, part in parts.items():
            block = P if part == whole else np.ascontiguousarray(P[:, part, part])
            frobenius = np.sqrt(np.einsum("bij,bij->b", block, block))
            spectral = frobenius / np.sqrt(part.stop)  # of the identity, which comes first
            if lag:
                spectral = trackers[name].of(block, exponent)
            norms.setdefault(f"{name}spectral", []).append(_unscaled(spectral, exponent))
            norms.setdefault(f"{name}frobenius", []).append(_unscaled(frobenius, exponent))
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
        result: Array = np.ldexp(np.where(np.isnan(norm_B), np.inf, norm_B), exponent_B)
    return result
