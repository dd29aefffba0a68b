"""Charts as SVG: where known values are drawn, and that nothing unfit for a picture gets in."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnexp.reports.page.blocks import numbers_of
from rnnexp.reports.page.svg_charts import (
    Chart,
    HeatMap,
    Point,
    Rule,
    Series,
    chart_svg,
    frame_of,
    heat_map_svg,
    spread_out,
    tag,
)

anything = st.floats(allow_nan=True, allow_infinity=True)
points = st.lists(st.tuples(anything, anything), max_size=8)


def a_chart(*series: Series, **more: object) -> Chart:
    return Chart("title", "what is seen", "step", "loss", series, **more)  # type: ignore[arg-type]


def path_of(svg: str, style: str) -> list[Point]:
    """The places that the first path with these classes goes through."""
    (data, *_) = [
        element.get("d", "") for element in ET.fromstring(svg).iter("path")
        if element.get("class") == style
    ]  # fmt: skip
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](\S+?) (-?[\d.]+)", data)]


def test_a_line_goes_where_its_values_are() -> None:
    chart = a_chart(Series("loss", [(0.0, 0.0), (50.0, 1.0), (100.0, 0.5)]))
    frame = frame_of(chart, 736, False)
    (x0, y0), (x1, y1), (x2, y2) = path_of(chart_svg(chart, 736), "line c0 d0")
    assert (x0, x2) == pytest.approx((frame.left, frame.right), abs=0.1)
    assert x1 == pytest.approx((x0 + x2) / 2, abs=0.1)
    assert y2 == pytest.approx((y0 + y1) / 2, abs=0.1)  # half way up
    assert y0 > y1  # pixels count downwards
    assert frame.top < y1 < y0 < frame.bottom


def test_a_logarithmic_line_is_straight_where_it_falls_by_factors() -> None:
    chart = a_chart(Series("loss", [(float(n), 10.0**-n) for n in range(5)]), log_y=True)
    heights = [y for _, y in path_of(chart_svg(chart, 736), "line c0 d0")]
    steps = [b - a for a, b in pairwise(heights)]
    assert steps == pytest.approx([steps[0]] * 4, abs=0.2)


def test_a_band_lies_around_its_line() -> None:
    line = [(0.0, 1.0), (10.0, 2.0)]
    band = [(0.0, 0.5, 1.5), (10.0, 1.0, 3.0)]
    svg = chart_svg(a_chart(Series("loss", line, band=band)), 736)
    (_, high), _, _, (_, low) = path_of(svg, "band c0")
    assert high < path_of(svg, "line c0 d0")[0][1] < low


def test_bars_stand_on_zero_and_a_rule_crosses_the_plot() -> None:
    bars = Series("error", [(0.0, 2.0), (1.0, -1.0)], 1, "bars")
    svg = chart_svg(a_chart(bars, rules=[Rule(1.0, "threshold")]), 736)
    corners = path_of(svg, "bar c1")
    (left, right), up = path_of(svg, "rule"), [corners[1][1], corners[5][1]]
    zero = corners[0][1]
    assert corners[4][1] == zero
    assert (zero - up[0]) == pytest.approx(2 * (up[1] - zero), abs=0.2)
    assert left[1] == right[1] == pytest.approx((zero + up[0]) / 2, abs=0.1)


def test_one_point_is_a_mark_and_none_is_an_empty_plot() -> None:
    assert "mark c0" in chart_svg(a_chart(Series("loss", [(3.0, 0.5)])), 736)
    empty = a_chart(Series("loss", []))
    assert empty.is_empty
    assert 'class="mark' not in chart_svg(empty, 736)


@settings(max_examples=60, deadline=None)
@given(st.lists(points, max_size=3), st.booleans(), st.booleans(), st.sampled_from(
    ["line", "dots", "bars", "levels"]))  # fmt: skip
def test_whatever_the_numbers_are_the_picture_is_well_formed(
    lines: list[list[Point]], log_x: bool, log_y: bool, form: str
) -> None:
    series = [
        Series(f"{n}", sorted(line, key=repr), n, form, [(x, y, y) for x, y in line])  # type: ignore[arg-type]
        for n, line in enumerate(lines)
    ]
    chart = a_chart(*series, log_x=log_x, log_y=log_y, rules=[Rule(math.inf, "no"), Rule(1, "yes")])
    for width, narrow in ((736, False), (350, True)):
        svg = chart_svg(chart, width, narrow)
        ET.fromstring(svg)
        drawn = " ".join(re.findall(r'="([^"]*)"', svg))
        assert not re.search(r"\b(nan|inf)\b", drawn, re.IGNORECASE)
    assert all(len(row) == len(numbers_of(chart).columns) for row in numbers_of(chart).rows)


def test_names_do_not_lie_over_each_other() -> None:
    moved = spread_out([50.0, 50.0, 49.0, 200.0], 0, 100)
    assert sorted(moved)[-1] <= 100
    assert moved[2] < moved[0] < moved[1] < moved[3]
    ordered = sorted(moved)
    assert all(b - a >= 15 for a, b in pairwise(ordered))


def test_a_heat_map_is_as_dark_as_its_shares() -> None:
    chart = HeatMap("t", "d", "answered", "true", ["a", "b<"], [[0.9, 0.1], [0.0, 1.0]])
    for width, narrow in ((736, False), (350, True)):
        picture = ET.fromstring(heat_map_svg(chart, width, narrow))
        cells = [e for e in picture.iter("rect") if e.get("class") == "cell"]
        assert [cell.get("fill-opacity") for cell in cells] == ["0.90", "0.10", "1.00"]
        assert cells[0].get("y") == cells[1].get("y") and cells[1].get("x") == cells[2].get("x")
        assert {"a", "b<", "90", "10", "100"} <= {t.text for t in picture.iter("text")}


def test_an_attribute_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        tag("path", x=math.nan)
    assert tag("text", "a<b\x1b", title='"') == '<text title="&#34;">a&lt;b\\x1b</text>'
