"""What a chart shows; how it is drawn stands in `chart_svg`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["LOOKS", "Chart", "Point", "Rule", "Series", "Span"]

Point = tuple[float, float]
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
