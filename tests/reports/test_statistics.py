"""Means, intervals and paired differences, against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnexp.reports.statistics import Estimate, paired, t_quantile

stats = pytest.importorskip("scipy.stats")
VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=12)


@pytest.mark.parametrize("df", [1, 2, 3, 4, 5, 9, 10, 30, 99, 1000])
@pytest.mark.parametrize("p", [0.5, 0.6, 0.9, 0.95, 0.975, 0.995, 0.9999, 0.025, 1e-4])
def test_quantiles_of_t(df: int, p: float) -> None:
    assert t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("p", "df"), [(0.0, 3), (1.0, 3), (0.5, 0)])
def test_what_has_no_quantile(p: float, df: int) -> None:
    with pytest.raises(ValueError, match="no t quantile"):
        t_quantile(p, df)


@given(VALUES)
def test_an_estimate_is_scipys(values: list[float]) -> None:
    ours = Estimate.of(values)
    scale = max(map(abs, values)) + 1
    assert ours.mean == pytest.approx(np.mean(values), abs=1e-9 * scale)
    assert ours.sd == pytest.approx(np.std(values, ddof=1), abs=1e-9 * scale)
    spread = np.std(values, ddof=1) / math.sqrt(len(values))
    if spread > 1e-9 * scale:
        low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), spread)
        assert (ours.low, ours.high) == pytest.approx((low, high), abs=1e-9 * scale)


def test_one_value_has_no_interval_and_none_no_mean() -> None:
    assert Estimate.of([2.5]) == Estimate(2.5, None, 1, None, None)
    with pytest.raises(ValueError, match="no values"):
        Estimate.of([])
    assert Estimate.of([1.0, math.nan]).low is None


@given(VALUES, VALUES)
def test_a_paired_difference_is_scipys(ours: list[float], theirs: list[float]) -> None:
    n = min(len(ours), len(theirs))
    found = paired(dict(enumerate(ours)), dict(enumerate(theirs)))
    assert found is not None and found.n == n
    difference = np.array(ours[:n]) - np.array(theirs[:n])
    assert found.mean == pytest.approx(difference.mean(), abs=1e-6)
    if difference.std() > 1e-3 * (abs(difference).max() + 1):
        p = stats.ttest_rel(ours[:n], theirs[:n]).pvalue
        if abs(p - 0.05) > 1e-6:
            assert found.distinguishable == (p < 0.05)


def test_pairs_are_matched_by_seed() -> None:
    found = paired({1: 5.0, 2: 6.0, 9: 0.0}, {2: 1.0, 1: 2.0, 3: 9.0})
    assert found is not None and (found.n, found.mean) == (2, 4.0)
    assert paired({1: 1.0}, {2: 1.0}) is None
    alone = paired({1: 5.0}, {1: 1.0})
    assert alone is not None and not alone.distinguishable and alone.low is None


@pytest.mark.parametrize("n", [3, 5, 10])
def test_of_identical_settings_95_of_100_intervals_hold_0(n: int) -> None:
    """10,000 pairs, each with n seeds whose scores are drawn from the same distribution."""
    rng = np.random.default_rng(n)
    ours, theirs = rng.normal(0.8, 0.05, (2, 10_000, n))
    difference = ours - theirs
    half = t_quantile(0.975, n - 1) * difference.std(axis=1, ddof=1) / math.sqrt(n)
    covered = np.abs(difference.mean(axis=1)) <= half
    for row in range(25):  # the arrays do what the function does
        found = paired(dict(enumerate(ours[row])), dict(enumerate(theirs[row])))
        assert found is not None and found.distinguishable == (not covered[row])
    assert 0.94 <= covered.mean() <= 0.96
