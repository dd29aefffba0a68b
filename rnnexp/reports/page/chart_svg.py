"""A chart as SVG of a width in pixels: grid, bands, lines, dots, bars, rules, names.

Colours, dashes and fonts are classes (`c0` to `c5`, `d0` to `d5`) that the page gives a look.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from markupsafe import Markup

from rnnexp.reports.page.charts import LOOKS, Chart, Point, Rule, Series
from rnnexp.reports.page.frame import LETTER, Frame, frame_of
from rnnexp.reports.page.labels import mark, names
from rnnexp.reports.page.scales import drawable
from rnnexp.reports.page.svg import group, path_data, tag, text
from rnnexp.reports.page.thinning import thin, thin_band

__all__ = ["chart_svg"]

WIDEST_BAR = 12.0


def chart_svg(chart: Chart, width: int, narrow: bool = False) -> Markup:
    """The chart `width` pixels wide; `narrow` for a phone, with the names above the plot."""
    frame = frame_of(chart, width, narrow)
    parts = [
        tag("title", chart.title),
        tag("desc", chart.description),
        group(frame.axes(chart)),
        group(part for series in chart.series for part in _band(series, frame)),
        group(part for series in _quiet_first(chart) for part in _drawn(series, frame)),
        group(part for rule in chart.rules for part in _rule(rule, frame)),
        group(names(chart, frame, narrow)),
    ]
    return tag("svg", *parts, viewBox=f"0 0 {frame.width:.0f} {frame.height:.0f}",
               width=frame.width, height=frame.height, role="img")  # fmt: skip


def _quiet_first(chart: Chart) -> list[Series]:
    return sorted(chart.series, key=lambda series: not series.quiet)


def _columns(frame: Frame) -> int:
    return max(int(frame.right - frame.left), 1)


def _places(points: Sequence[Point], frame: Frame) -> list[Point]:
    """The pixels of the points that have a place on the axes."""
    return [
        (frame.across(x), frame.up(y))
        for x, y in points
        if drawable(x, frame.x.logarithmic) and drawable(y, frame.y.logarithmic)
    ]


def _band(series: Series, frame: Frame) -> Iterator[Markup]:
    floor = frame.y.low
    spans = [
        (frame.across(x), frame.up(max(low, floor)), frame.up(high))
        for x, low, high in series.band
        if drawable(x, frame.x.logarithmic)
        and drawable(low)
        and drawable(high, frame.y.logarithmic)
    ]
    if spans:
        spans = thin_band([(x, high, low) for x, low, high in spans], _columns(frame))
        outline = [(x, high) for x, high, _ in spans] + [(x, low) for x, _, low in spans[::-1]]
        yield tag("path", d=path_data(outline) + "Z", class_=f"band c{series.look % LOOKS}")


def _drawn(series: Series, frame: Frame) -> Iterator[Markup]:
    places, look = _places(series.points, frame), series.look % LOOKS
    if not places:
        return
    if series.form == "bars":
        yield _bars(places, frame, look)
    elif series.form == "levels":
        half = min(16.0, 0.3 * _columns(frame) / len(places))
        yield from (_level(x, y, half, look) for x, y in places)
    elif series.form == "dots":
        yield from (mark(x, y, look) for x, y in places)
    else:
        yield from _line(series, thin(places, _columns(frame)), look)


def _line(series: Series, places: Sequence[Point], look: int) -> Iterator[Markup]:
    style = "quiet" if series.quiet else f"line c{look} d{look}"
    if len(places) > 1:
        yield tag("path", d=path_data(places), class_=style)
    if len(places) == 1 or series.marked:
        yield from (mark(x, y, look) for x, y in places)


def _bars(places: Sequence[Point], frame: Frame, look: int) -> Markup:
    """Bars from zero, as one outline."""
    foot = frame.up(max(0.0, frame.y.low))
    gaps = [b[0] - a[0] for a, b in pairwise(places)]
    half = min(max(min(gaps, default=WIDEST_BAR) * 0.4, 0.4), WIDEST_BAR / 2)
    outline = "".join(
        path_data([(x - half, foot), (x - half, y), (x + half, y), (x + half, foot)]) + "Z"
        for x, y in places
    )
    return tag("path", d=outline, class_=f"bar c{look}")


def _level(x: float, y: float, half: float, look: int) -> Markup:
    """A short stroke: the mean of what stands above and below it."""
    return tag("path", d=path_data([(x - half, y), (x + half, y)]), class_=f"line c{look}")


def _rule(rule: Rule, frame: Frame) -> Iterator[Markup]:
    if not drawable(rule.value, (frame.x if rule.upright else frame.y).logarithmic):
        return
    if rule.upright:
        if not frame.x.low <= rule.value <= frame.x.high:
            return
        x = frame.across(rule.value)
        left = x + len(rule.label) * LETTER > frame.right
        yield tag("path", d=path_data([(x, frame.top), (x, frame.bottom)]), class_="rule")
        yield text(rule.label, x + (-5 if left else 5), frame.top + 10, class_="label halo",
                   text_anchor="end" if left else "start")  # fmt: skip
        return
    y = frame.up(rule.value)
    yield tag("path", d=path_data([(frame.left, y), (frame.right, y)]), class_="rule")
    yield text(rule.label, frame.right, y - 5, class_="label halo", text_anchor="end")
