"""A matrix as a heat map: the darker a cell, the larger its share of the row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from rnnexp.reports.page.frame import LETTER
from rnnexp.reports.page.svg import group, tag, text
from rnnexp.reports.page.wording import cut

__all__ = ["HeatMap", "heat_map_svg"]

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
