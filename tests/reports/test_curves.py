"""Plots in characters."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rnnexp.reports.curves import Curve, curve, draw

finite = st.floats(allow_nan=False, allow_infinity=False)


def test_a_falling_line_falls_from_corner_to_corner() -> None:
    line = Curve("train/loss", tuple((float(x), 10.0 - x) for x in range(11)))
    text = draw([line], width=40, height=6).splitlines()
    assert text[0] == "· train/loss"
    assert text[1].startswith("10 ┤·")
    assert text[6].startswith(" 0 ┤") and text[6].endswith("·")
    assert len(text[6]) == 40
    assert text[-1].split() == ["step", "0", "10"]


def test_a_wide_span_gets_a_logarithmic_axis() -> None:
    line = Curve("loss", tuple((float(x), 10.0**-x) for x in range(5)))
    rows = draw([line], width=20, height=5).splitlines()
    assert "(log axis)" in rows[0]
    assert [row.count("·") for row in rows[1:6]] == [1] * 5


def test_what_is_not_finite_is_left_out() -> None:
    values: list[Any] = ["NaN", 0.5, None, float("inf"), "1"]
    records = [{"step": step, "loss": value} for step, value in enumerate(values, 1)]
    records.append({"loss": 1.0})
    assert curve(records, "loss").points == ((2.0, 0.5),)


def test_nothing_and_one_point() -> None:
    assert draw([Curve("loss", ())]) == ""
    assert "0.5 ┤" in draw([Curve("loss", ((1.0, 0.5),))])


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 10**9), finite), max_size=20), max_size=5),
    st.integers(1, 120),
    st.integers(3, 20),
)
def test_it_fits_whatever_the_numbers(
    lines: list[list[tuple[int, float]]], width: int, height: int
) -> None:
    curves = [Curve("x", tuple(sorted((float(x), y) for x, y in points))) for points in lines]
    rows = draw(curves, width, height).splitlines()
    assert not rows or height + 3 <= len(rows) <= height + 8
    assert all(len(row) <= max(width, 18) for row in rows)
