"""A chart as SVG of a width in pixels: grid, bands, lines, dots, bars, rules, names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal, TypeVar

from markupsafe import Markup, escape

from rnnexp.reports.page.wording import cut, visible

__all__ = [
    "LOOKS",
    "Chart",
    "HeatMap",
    "Point",
    "Rule",
    "Scale",
    "Series",
    "Span",
    "chart_svg",
    "drawable",
    "evenly",
    "frame_of",
    "heat_map_svg",
    "scale_over",
    "spans_powers",
    "spread_out",
    "tag",
    "thin",
    "thin_band",
    "tick_labels",
]


# SVG as text: elements whose content and attributes are escaped, numbers that are finite.

Point = tuple[float, float]


def tag(name: str, *content: str, **attributes: str | float) -> Markup:
    """An element. In the names of attributes `_` stands for `-`; `class_` is `class`.

    Content that is Markup stands as it is, other text is escaped. Raises ValueError where an
    attribute is not finite.
    """
    inner = Markup("").join(part if isinstance(part, Markup) else visible(part) for part in content)
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>")


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return str(escape(visible(value)))
    return _short(value)


def _short(value: float) -> str:
    """A length in pixels, to a tenth of one."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no place in a picture")
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def group(parts: Iterable[Markup], **attributes: str | float) -> Markup:
    return tag("g", Markup("").join(parts), **attributes)


def text(words: str, x: float, y: float, **attributes: str | float) -> Markup:
    return tag("text", words, x=x, y=y, **attributes)


def path_data(points: Iterable[Point]) -> str:
    """A line through points, for the attribute `d`."""
    return "".join(
        f"{'L' if place else 'M'}{_short(x)} {_short(y)}" for place, (x, y) in enumerate(points)
    )


# Where a value lies on an axis, and at which round values the axis is marked.

LARGEST = 1e150
"""beyond it differences of values may be no floats; nothing that is measured is there"""
SMALLEST_SPAN = 1e-9
"""of the values themselves: what lies closer together is drawn as one"""
POWERS = 50
"""values that span such a factor are drawn on a logarithmic axis"""
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def drawable(value: float, logarithmic: bool = False) -> bool:
    """Whether a value has a place on an axis."""
    return 1 / LARGEST < value < LARGEST if logarithmic else abs(value) < LARGEST


def spans_powers(values: Iterable[float]) -> bool:
    """Whether values are told apart better on a logarithmic axis."""
    known = [value for value in values if abs(value) < LARGEST]
    return bool(known) and min(known) > 0 and max(known) / min(known) > POWERS


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, low < high."""

    low: float
    high: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Where a value lies: 0 at the low end, 1 at the high one."""
        if self.logarithmic:
            low, high = math.log(self.low), math.log(self.high)
            return (math.log(value) - low) / (high - low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int) -> list[float]:
        """Round values within the axis, about as many as asked for."""
        return _powers(self, most) if self.logarithmic else _steps(self.low, self.high, most)


def scale_over(values: Iterable[float], logarithmic: bool = False, room: float = 0.05) -> Scale:
    """An axis that holds all values, with some room at both ends; 0 to 1 where there is none."""
    known = [value for value in values if drawable(value, logarithmic)]
    low, high = (min(known), max(known)) if known else (0.1, 1.0) if logarithmic else (0.0, 1.0)
    if logarithmic:
        factor = (high / low) ** room if high / low > 1 + SMALLEST_SPAN else 2.0
        return Scale(low / factor, high * factor, True)
    if high - low <= SMALLEST_SPAN * max(abs(low), abs(high)):
        around = abs(high) / 10 or 1.0
        return Scale(low - around, high + around)
    margin = room * (high - low)
    return Scale(low - margin, high + margin)


def _steps(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    step = _round_step((high - low) / most)
    if step == 0:
        return [low, high]
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return list(dict.fromkeys(count * step for count in range(first, last + 1)))


def _round_step(rough: float) -> float:
    power = float(10 ** math.floor(math.log10(rough))) if rough > 1e-300 else 0.0
    return next((power * part for part in (1, 2, 5, 10) if power * part >= rough * 0.7), 0.0)


def _powers(scale: Scale, most: int) -> list[float]:
    """Powers of ten, over few of them their multiples too, over less than one round steps."""
    first, last = math.ceil(math.log10(scale.low)), math.floor(math.log10(scale.high))
    every = max(1, -(-(last - first + 1) // most))
    powers = [10.0**power for power in range(first, last + 1, every)]
    if last - first > 2:
        return powers
    parts = [10.0**power * part for power in range(first - 1, last + 1) for part in (1, 2, 5)]
    within = [value for value in parts if scale.low <= value <= scale.high]
    if len(within) >= 3:
        return within
    return [value for value in _steps(scale.low, scale.high, most) if value > 0]


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """The ticks with the decimals that they need; very large and small ones as `2×10⁻⁵`."""
    ticks = [float(f"{tick:.10g}") + 0.0 for tick in ticks]
    sizes = [abs(tick) for tick in ticks if tick]
    if sizes and (max(sizes) >= 1e6 or min(sizes) < 1e-3):
        return [_scientific(tick) for tick in ticks]
    if len(ticks) > 2 and math.isclose(ticks[1] - ticks[0], ticks[-1] - ticks[-2]):
        decimals = max(len(f"{tick:.10g}".partition(".")[2]) for tick in ticks)
        return [f"{tick:,.{decimals}f}" for tick in ticks]
    return [f"{tick:,.10g}" for tick in ticks]


def _scientific(value: float) -> str:
    if value == 0:
        return "0"
    digits, _, power = f"{value:.2e}".partition("e")
    if int(power) == 0:
        return f"{float(digits):g}"
    exponent = str(int(power)).translate(SUPERSCRIPTS)
    return f"10{exponent}" if float(digits) == 1 else f"{float(digits):g}×10{exponent}"


# What a chart shows; how it is drawn stands in `chart_svg`.

Span = tuple[float, float, float]
"""x, and a range of values there"""

LOOKS = 6
"""so many series are told apart, by colour, dash and mark"""


@dataclass(frozen=True)
class Series:
    """One line, row of dots or bars, or short level strokes, in the order of x.

    band: the range around it. look: which colour, dash and mark, below `LOOKS`. quiet: a thin grey
    line without a label. marked: every point of a line has its mark.
    """

    label: str
    points: Sequence[Point]
    look: int = 0
    form: Literal["line", "dots", "bars", "levels"] = "line"
    band: Sequence[Span] = ()
    quiet: bool = False
    marked: bool = False


@dataclass(frozen=True)
class Rule:
    """A dashed line over the whole chart, at a value of y, or `upright` at one of x."""

    value: float
    label: str
    upright: bool = False


@dataclass(frozen=True)
class Chart:
    """title, description: what is seen, for who cannot. across, up: what the axes count.

    log_x, log_y: logarithmic axes. categories: names of x = 0, 1, ..., instead of numbers.
    ticks: the values of x that are marked. height: pixels of the plot.
    """

    title: str
    description: str
    across: str
    up: str
    series: Sequence[Series]
    rules: Sequence[Rule] = ()
    log_x: bool = False
    log_y: bool = False
    categories: Sequence[str] = ()
    ticks: Sequence[float] = ()
    height: int = 260

    def xs(self) -> Iterator[float]:
        """Every x that it must hold."""
        if self.categories:
            yield from (-0.5, len(self.categories) - 0.5)
        for series in self.series:
            yield from (point[0] for point in (*series.points, *series.band))

    def ys(self) -> Iterator[float]:
        """Every y that it must hold."""
        for series in self.series:
            yield from (y for _, y in series.points)
            yield from (y for _, low, high in series.band for y in (low, high))
            if series.form == "bars":
                yield 0.0
        yield from (rule.value for rule in self.rules if not rule.upright)

    def labelled(self) -> list[Series]:
        """The series that are named at their ends; one that is alone needs no name."""
        named = [series for series in self.series if series.label and not series.quiet]
        return named if len(named) > 1 else []

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(
            math.isfinite(x) and math.isfinite(y)
            for series in self.series
            for x, y in series.points
        )


# The axes of a chart: where its values lie in pixels, and what is written along them.

LETTER = 6.6
"""pixels that a letter takes, rather more than fewer"""
LINE = 16
HEAD, FOOT = 26, 40
WIDEST_LABEL = 34


@dataclass(frozen=True)
class Frame:
    """width, height: of the whole picture. left, right, top, bottom: of the plot within it."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x: Scale
    y: Scale
    y_ticks: Sequence[float]

    def across(self, x: float) -> float:
        """The pixel of a value of x."""
        return self.left + self.x.at(x) * (self.right - self.left)

    def up(self, y: float) -> float:
        """The pixel of a value of y; pixels count downwards."""
        return self.bottom - self.y.at(y) * (self.bottom - self.top)

    def axes(self, chart: Chart) -> Iterator[Markup]:
        """Grid, marked values and what the axes count."""
        for tick, label in zip(self.y_ticks, tick_labels(self.y_ticks), strict=True):
            y = self.up(tick)
            yield tag("path", d=path_data([(self.left, y), (self.right, y)]), class_="grid")
            yield text(label, self.left - 8, y + 4, text_anchor="end")
        yield tag("path", d=path_data([(self.left, self.bottom), (self.right, self.bottom)]),
                  class_="axis")  # fmt: skip
        yield from self._below(chart)
        yield text(chart.up, 0, 12, class_="name")
        yield text(chart.across, self.right, self.height - 4, class_="name", text_anchor="end")

    def _below(self, chart: Chart) -> Iterator[Markup]:
        for tick, label in self._spaced(chart):
            x = self.across(tick)
            yield tag("path", d=path_data([(x, self.bottom), (x, self.bottom + 4)]), class_="axis")
            yield text(label, x, self.bottom + 18, text_anchor="middle")

    def _spaced(self, chart: Chart) -> list[tuple[float, str]]:
        """The marked values of x, as many as there is room for."""
        if chart.categories:
            room = (self.right - self.left) / len(chart.categories) / LETTER
            names = [cut(name, max(int(room), 3)) for name in chart.categories]
            marked = list(zip(map(float, range(len(names))), names, strict=True))
        else:
            ticks = list(chart.ticks) or self.x.ticks(max(2, int((self.right - self.left) / 90)))
            marked = list(zip(ticks, tick_labels(ticks), strict=True))
        every = 1
        while every < len(marked) and not self._fits(marked[::every]):
            every += 1
        return marked[::every]

    def _fits(self, marked: Sequence[tuple[float, str]]) -> bool:
        ends = [(self.across(tick), len(label) * LETTER / 2) for tick, label in marked]
        return all(b - a > half + other + 4 for (a, half), (b, other) in pairwise(ends))


def frame_of(chart: Chart, width: int, narrow: bool) -> Frame:
    """The frame around all that a chart shows, with room for the names of its series."""
    x = _across(chart)
    y = scale_over(chart.ys(), chart.log_y)
    ticks = [tick for tick in y.ticks(5) if y.low <= tick <= y.high]
    widest = max(map(len, tick_labels(ticks)), default=1)
    labels = [len(cut(series.label, WIDEST_LABEL)) for series in chart.labelled()]
    top = HEAD + (LINE * len(labels) if narrow else 0)
    beside = 0.0 if narrow or not labels else max(labels) * LETTER + 26
    height = top + chart.height * (0.8 if narrow else 1) + FOOT
    right = width - max(beside, 14)
    return Frame(width, height, widest * LETTER + 10, right, top, height - FOOT, x, y, ticks)


def _across(chart: Chart) -> Scale:
    """Lines reach from side to side; dots, bars and categories keep off the edges."""
    lines = all(series.form == "line" for series in chart.series) and not chart.log_x
    return scale_over(chart.xs(), chart.log_x, 0.0 if lines or chart.categories else 0.05)


# Long lines in as many points as there are pixels, without losing a peak.

Item = TypeVar("Item")
Place = TypeVar("Place", Point, Span)


def thin(points: Sequence[Point], columns: int) -> list[Point]:
    """Of all points that fall into one of `columns` the first, lowest, highest and last."""
    if len(points) <= columns:
        return list(points)
    kept: list[Point] = []
    for column in _columns(points, columns):
        places = range(len(column))
        low = min(places, key=lambda place: column[place][1])
        high = max(places, key=lambda place: column[place][1])
        kept += [column[place] for place in sorted({0, low, high, len(column) - 1})]
    return kept


def thin_band(spans: Sequence[Span], columns: int) -> list[Span]:
    """Of all (x, low, high) that fall into one of `columns` the whole range."""
    if len(spans) <= columns:
        return list(spans)
    return [
        (column[0][0], min(low for _, low, _ in column), max(high for _, _, high in column))
        for column in _columns(spans, columns)
    ]


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of the items, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(place * (len(items) - 1) / (most - 1))] for place in range(most)]


def _columns(items: Sequence[Place], columns: int) -> Iterator[list[Place]]:
    """Items, in the order of their first number, by the column that it falls into."""
    first, last = items[0][0], items[-1][0]
    width = (last - first) / columns or 1.0

    def column(item: Place) -> int:
        return min(int((item[0] - first) / width), columns - 1)

    return (list(found) for _, found in groupby(items, column))


# A matrix as a heat map: the darker a cell, the larger its share of the row.

LONGEST_NAME = 14
WRITTEN = 20.0
"""pixels of a cell, from which on its number is written into it"""
DARK = 0.55
FAINTEST = 0.005
LARGEST_CELL, SMALLEST_CELL = 44.0, 6.0
ROW_OF_NAMES = 24.0


@dataclass(frozen=True)
class HeatMap:
    """Shares of the row, 0 to 1. names: of the rows and, in the same order, of the columns."""

    title: str
    description: str
    across: str
    up: str
    names: Sequence[str]
    shares: Sequence[Sequence[float]]


def heat_map_svg(chart: HeatMap, width: int, narrow: bool = False) -> Markup:
    """The heat map at most `width` pixels wide; names are left out where cells are too small."""
    names = [cut(name, 8 if narrow else LONGEST_NAME) or "∅" for name in chart.names]
    left = max(map(len, names)) * LETTER + 10
    cell = min(max((width - left) / len(names), SMALLEST_CELL), LARGEST_CELL)
    upright = max(map(len, names)) * LETTER > cell - 2
    top = ROW_OF_NAMES + (max(map(len, names)) * LETTER + 8 if upright else 18)
    wide, high = left + cell * len(names), top + cell * len(names) + 4
    parts = [
        tag("title", chart.title),
        tag("desc", chart.description),
        text(f"rows: {chart.up}, columns: {chart.across}", 0, 12, class_="name"),
        group(_names(names, cell, left, top, upright)),
        group(_cells(chart, cell, left, top)),
    ]
    return tag("svg", *parts, viewBox=f"0 0 {wide:.0f} {high:.0f}", width=wide, height=high,
               role="img")  # fmt: skip


def _names(
    names: Sequence[str], cell: float, left: float, top: float, upright: bool
) -> Iterator[Markup]:
    every = max(1, -(-13 // int(cell)))
    for place in range(0, len(names), every):
        middle = cell * (place + 0.5)
        yield text(names[place], left - 6, top + middle + 4, text_anchor="end")
        x, y = left + middle, top - 6
        if upright:
            turn = f"rotate(-90 {x + 4:.1f} {y:.1f})"
            yield text(names[place], x + 4, y, transform=turn)
        else:
            yield text(names[place], x, y, text_anchor="middle")


def _cells(chart: HeatMap, cell: float, left: float, top: float) -> Iterator[Markup]:
    side = cell * len(chart.names)
    yield tag("rect", x=left, y=top, width=side, height=side, class_="ground")
    for row, shares in enumerate(chart.shares):
        for column, share in enumerate(shares):
            if share < FAINTEST:
                continue
            x, y = left + cell * column, top + cell * row
            yield tag("rect", x=x + 0.5, y=y + 0.5, width=cell - 1, height=cell - 1,
                      class_="cell", fill_opacity=f"{min(share, 1.0):.2f}")  # fmt: skip
            if cell >= WRITTEN:
                style = "on" if share > DARK else "number"
                yield text(f"{100 * share:.0f}", x + cell / 2, y + cell / 2 + 4, class_=style,
                           text_anchor="middle")  # fmt: skip


# The names of the series of a chart: beside the ends of their lines, or in a list above.

GAP = 15.0
SHAPES = (
    "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0",  # circle
    "m-3.2 -3.2h6.4v6.4h-6.4z",  # square
    "m0 -4.2l4 7h-8z",  # triangle
    "m0 -4.6l4.6 4.6l-4.6 4.6l-4.6 -4.6z",  # diamond
    "m0 4.2l4 -7h-8z",  # triangle on its tip
    "m-4 -1.3h2.7v-2.7h2.6v2.7h2.7v2.6h-2.7v2.7h-2.6v-2.7h-2.7z",  # plus
)


def mark(x: float, y: float, look: int) -> Markup:
    """The mark of a look at a place."""
    return tag("path", d=path_data([(x, y)]) + SHAPES[look % LOOKS], class_=f"mark c{look % LOOKS}")


def names(chart: Chart, frame: Frame, narrow: bool) -> Iterator[Markup]:
    """A name for every series that needs one, with a piece of its line."""
    labelled = chart.labelled()
    if narrow:
        places = [(0.0, frame.top - LINE * (len(labelled) - n) + 2) for n in range(len(labelled))]
    else:
        ends = [frame.up(_end(series, frame)) for series in labelled]
        places = [(frame.right + 8, y) for y in spread_out(ends, frame.top, frame.bottom)]
    for series, (x, y) in zip(labelled, places, strict=True):
        look = series.look % LOOKS
        if series.form in ("line", "levels"):
            yield tag("path", d=path_data([(x, y), (x + 14, y)]), class_=_line(series))
        if series.form in ("dots", "bars") or series.marked:
            yield mark(x + 7, y, look)
        yield text(cut(series.label, WIDEST_LABEL), x + 18, y + 4, class_=f"label t{look}")


def _line(series: Series) -> str:
    look = series.look % LOOKS
    return f"line c{look}" if series.form == "levels" else f"line c{look} d{look}"


def _end(series: Series, frame: Frame) -> float:
    logarithmic = frame.y.logarithmic
    values = [y for _, y in series.points if drawable(y, logarithmic)]
    return values[-1] if values else frame.y.low


def spread_out(places: Sequence[float], top: float, bottom: float) -> list[float]:
    """Places moved apart, so that lines of text do not overlap, in the order that they have."""
    order = sorted(range(len(places)), key=lambda n: places[n])
    moved = [places[n] for n in order]
    for n in range(1, len(moved)):
        moved[n] = max(moved[n], moved[n - 1] + GAP)
    if moved and moved[-1] > bottom:
        moved[-1] = max(bottom, top + GAP * (len(moved) - 1))
        for n in range(len(moved) - 2, -1, -1):
            moved[n] = min(moved[n], moved[n + 1] - GAP)
    found = dict(zip(order, moved, strict=True))
    return [found[n] for n in range(len(places))]


# A chart as SVG of a width in pixels: grid, bands, lines, dots, bars, rules, names.
#
# Colours, dashes and fonts are classes (`c0` to `c5`, `d0` to `d5`) that the page gives a look.

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


def _chart_svg_columns(frame: Frame) -> int:
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
        spans = thin_band([(x, high, low) for x, low, high in spans], _chart_svg_columns(frame))
        outline = [(x, high) for x, high, _ in spans] + [(x, low) for x, _, low in spans[::-1]]
        yield tag("path", d=path_data(outline) + "Z", class_=f"band c{series.look % LOOKS}")


def _drawn(series: Series, frame: Frame) -> Iterator[Markup]:
    places, look = _places(series.points, frame), series.look % LOOKS
    if not places:
        return
    if series.form == "bars":
        yield _bars(places, frame, look)
    elif series.form == "levels":
        half = min(16.0, 0.3 * _chart_svg_columns(frame) / len(places))
        yield from (_level(x, y, half, look) for x, y in places)
    elif series.form == "dots":
        yield from (mark(x, y, look) for x, y in places)
    else:
        yield from _chart_svg_line(series, thin(places, _chart_svg_columns(frame)), look)


def _chart_svg_line(series: Series, places: Sequence[Point], look: int) -> Iterator[Markup]:
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
