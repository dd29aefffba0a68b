"""The axes of a chart: where its values lie in pixels, and what is written along them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from rnnexp.reports.page.charts import Chart
from rnnexp.reports.page.scales import Scale, scale_over, tick_labels
from rnnexp.reports.page.svg import path_data, tag, text
from rnnexp.reports.page.wording import cut

__all__ = ["LETTER", "LINE", "Frame", "frame_of"]

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
