"""Mean, spread and interval over seeds, and the difference of two settings seed by seed.

Intervals are Student's t: right for few runs whose scores are roughly normal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

__all__ = ["LEVEL", "Difference", "Estimate", "paired", "t_quantile"]

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """What n values say of their mean.

    sd: the sample standard deviation (n - 1). low, high: the t-interval of the mean. One value
    has neither, and where a value is not finite there is no interval.
    """

    mean: float
    sd: float | None
    n: int
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: Iterable[float], level: float = LEVEL) -> Estimate:
        """Raises ValueError where there is no value."""
        known = list(values)
        if not known:
            raise ValueError("no values to estimate a mean from")
        n, mean = len(known), _mean(known)
        if n == 1:
            return cls(mean, None, n, None, None)
        if not math.isfinite(mean):
            return cls(mean, math.nan, n, None, None)
        sd = _deviation(known, mean)
        half = t_quantile((1 + level) / 2, n - 1) * sd / math.sqrt(n)
        return cls(mean, sd, n, mean - half, mean + half)


@dataclass(frozen=True, slots=True)
class Difference:
    """Ours minus baseline over the n seeds that both have, with the t-interval of its mean.

    distinguishable: whether the interval leaves out 0; never from a single seed.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    distinguishable: bool


def paired(
    ours: Mapping[int, float], baseline: Mapping[int, float], level: float = LEVEL
) -> Difference | None:
    """The difference of two groups, values by seed; None where they share no seed.

    What a seed does to both (the order of batches, the first weights) cancels out.
    """
    shared = [seed for seed in ours if seed in baseline]
    if not shared:
        return None
    found = Estimate.of([ours[seed] - baseline[seed] for seed in shared], level)
    apart = found.low is not None and found.high is not None and not found.low <= 0 <= found.high
    return Difference(found.mean, found.low, found.high, found.n, apart)


def _mean(values: Sequence[float]) -> float:
    if not all(map(math.isfinite, values)):
        return sum(values) / len(values)
    try:
        return math.fsum(values) / len(values)
    except OverflowError:  # the sum is too large for a float, the mean is not
        return math.fsum(value / len(values) for value in values)


def _deviation(values: Sequence[float], mean: float) -> float:
    return math.hypot(*(value - mean for value in values)) / math.sqrt(len(values) - 1)


@cache
def t_quantile(p: float, df: int) -> float:
    """The value that Student's t with `df` degrees of freedom stays below with probability `p`.

    Bisection of the closed form for a whole number of degrees of freedom (Abramowitz and Stegun,
    26.7.3 and 26.7.4), in the angle whose tangent is t / sqrt(df).
    """
    if not (0 < p < 1 and df >= 1):
        raise ValueError(f"no t quantile of p = {p} with {df} degrees of freedom")
    if p < 0.5:
        return -t_quantile(1 - p, df)
    low, high = 0.0, math.pi / 2
    while low < (middle := (low + high) / 2) < high:
        within = _within(middle, df) < 2 * p - 1
        low, high = (middle, high) if within else (low, middle)
    return math.tan(low) * math.sqrt(df)


def _within(angle: float, df: int) -> float:
    """The probability that |t| stays below tan(angle) sqrt(df)."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = df % 2
    term, total = (cosine if odd else 1.0), 0.0
    for k in range(2 + odd, df + 1, 2):  # 1 + 1/2 cos^2 + ..., or cos + 2/3 cos^3 + ...
        total += term
        term *= cosine * cosine * (k - 1) / k
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
