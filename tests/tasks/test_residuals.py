"""Intervals from residuals: quantiles, what they hold, and the way through JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rnnexp.tasks.scores import LEVELS, Intervals

RESIDUALS = np.stack([np.arange(101.0), -10 * np.arange(101.0)], axis=1)


def test_the_middle_share_of_each_column() -> None:
    intervals = Intervals.fit(RESIDUALS)
    low, high = intervals.around(np.array([[0.0, 0.0], [1.0, 1.0]]), 80)
    assert low == pytest.approx(np.array([[10, -900], [11, -899]]))
    assert high == pytest.approx(np.array([[90, -100], [91, -99]]))
    assert intervals.bounds[95][0] == pytest.approx([2.5, -975])


def test_coverage_is_the_share_of_targets_within() -> None:
    intervals = Intervals.fit(RESIDUALS)
    prediction = np.zeros((4, 2))
    target = np.array([[50.0, -500.0], [9.0, -50.0], [91.0, -2000.0], [1.0, -990.0]])
    assert intervals.coverage(target, prediction) == {"50": 2 / 8, "80": 2 / 8, "95": 5 / 8}


def test_they_hold_what_they_promise_where_errors_stay_alike() -> None:
    rng = np.random.default_rng(0)
    intervals = Intervals.fit(rng.gamma(2.0, size=(4000, 1)))
    fresh = rng.gamma(2.0, size=(4000, 1))
    held = intervals.coverage(fresh, np.zeros_like(fresh))
    # The standard error of a share of 4,000, twice (both samples are random), is below 0.012.
    assert held == pytest.approx({"50": 0.5, "80": 0.8, "95": 0.95}, abs=0.04)


def test_json_and_back() -> None:
    intervals = Intervals.fit(RESIDUALS)
    again = Intervals.from_json(json.loads(json.dumps(intervals.to_json())))
    assert tuple(again.bounds) == LEVELS
    for level in LEVELS:
        assert np.array_equal(again.bounds[level], intervals.bounds[level])


@pytest.mark.parametrize("record", [{"eighty": {}}, {"80": {"low": [1]}}, {"80": None}])
def test_something_else_is_refused(record: object) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Intervals.from_json(record)  # type: ignore[arg-type]


def test_a_single_residual() -> None:
    low, high = Intervals.fit(np.array([[3.0]])).around(np.array([1.0]), 95)
    assert low == high == 4
