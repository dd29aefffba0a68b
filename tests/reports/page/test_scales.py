"""Axes: where values lie and which are marked."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnexp.reports.page.svg_charts import Scale, scale_over, spans_powers, tick_labels

anything = st.floats(allow_nan=True, allow_infinity=True)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, ["0", "2", "4", "6", "8", "10"]),
        (0.17, 1.43, ["0.2", "0.4", "0.6", "0.8", "1.0", "1.2", "1.4"]),
        (-38, 21, ["-30", "-20", "-10", "0", "10", "20"]),
        (0, 9_000_000, ["0", "2×10⁶", "4×10⁶", "6×10⁶", "8×10⁶"]),
        (263, 308, ["270", "280", "290", "300"]),
    ],
)
def test_linear_ticks_are_round(low: float, high: float, expected: list[str]) -> None:
    assert tick_labels(Scale(low, high).ticks(5)) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1e-4, 1e-1, ["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹"]),
        (0.03, 1.2, ["0.05", "0.1", "0.2", "0.5", "1"]),
        (3.1, 4.2, ["3.2", "3.4", "3.6", "3.8", "4.0", "4.2"]),
        (0.4, 250_000, ["1", "100", "10,000"]),
        (1e-12, 1, ["10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "1"]),
    ],
)
def test_logarithmic_ticks_are_powers_or_their_multiples(
    low: float, high: float, expected: list[str]
) -> None:
    assert tick_labels(Scale(low, high, True).ticks(5)) == expected


def test_a_logarithmic_axis_gives_each_power_the_same_room() -> None:
    scale = Scale(1e-3, 1e3, True)
    assert [scale.at(10.0**n) for n in (-3, -1, 0, 3)] == pytest.approx([0, 1 / 3, 1 / 2, 1])


def test_what_is_wide_is_drawn_on_a_logarithmic_axis() -> None:
    assert spans_powers([0.01, 1.0, math.nan])
    assert not spans_powers([0.0, 1.0]) and not spans_powers([1.0, 40.0]) and not spans_powers([])


@given(st.lists(anything), st.booleans())
def test_any_values_have_an_axis(values: list[float], logarithmic: bool) -> None:
    scale = scale_over(values, logarithmic)
    assert scale.low < scale.high
    ticks = scale.ticks(5)
    assert len(ticks) <= 25 and all(map(math.isfinite, ticks))
    assert len(tick_labels(ticks)) == len(ticks)
    for value in values:
        if 1e-150 < value < 1e150:
            assert -1e-6 <= scale.at(value) <= 1 + 1e-6
