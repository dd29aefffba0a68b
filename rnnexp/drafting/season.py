"""Whether a series comes back to itself: its autocorrelation, and the lag where it peaks.

Shape letters: S steps, K lags.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["autocorrelation", "season_of"]

LEAST = 0.3
"""an autocorrelation under this is no season"""
PROMINENCE = 0.2
"""how far it must have fallen before, or it has only not decayed yet"""
DETAIL = 1e-3
"""what is left of a series without its trend, as a share of its variance, before it is rounding"""
PERIODS = 3
"""so often must a season have been seen"""


def autocorrelation(values_S: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,) of a series without its linear trend, for lags 0 to S / 3; zeros where that is all."""
    steps = np.arange(len(values_S), dtype=np.float64)
    rest = values_S - np.polyval(np.polyfit(steps, values_S, 1), steps)
    power = np.abs(np.fft.rfft(rest, 2 * len(rest))) ** 2
    products = np.fft.irfft(power)[: len(rest) // PERIODS + 1]
    spread = values_S - values_S.mean()
    if products[0] <= DETAIL * float(spread @ spread) or products[0] <= 1e-300:
        return np.zeros(len(products))
    result: NDArray[np.float64] = products / products[0]
    return result


def season_of(
    values_S: NDArray[np.float64], likely: Sequence[int] = ()
) -> tuple[int, float] | None:
    """The lag at which the autocorrelation peaks, and its height there; None without a season.

    likely: periods to prefer where they peak as well, such as 7 for days.
    """
    if len(values_S) < 4 * PERIODS:
        return None
    r_K = autocorrelation(values_S)
    lowest_K = np.minimum.accumulate(r_K)
    inner = np.arange(2, len(r_K) - 1)
    peaks = [
        int(k)
        for k in inner
        if r_K[k] > r_K[k - 1] and r_K[k] >= r_K[k + 1] and r_K[k] >= LEAST
        and r_K[k] - lowest_K[k] >= PROMINENCE
    ]  # fmt: skip
    if not peaks:
        return None
    highest = max(float(r_K[k]) for k in peaks)
    known = [k for k in likely if k in peaks and r_K[k] > 0.8 * highest]
    best = known[0] if known else max(peaks, key=lambda k: float(r_K[k]))
    return best, float(r_K[best])
