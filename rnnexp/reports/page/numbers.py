"""The numbers of a chart as a table, thinned where there are many."""

from __future__ import annotations

from collections.abc import Iterator

from rnnexp.reports.page.blocks import Column, Figure, Table
from rnnexp.reports.page.charts import Chart, Series
from rnnexp.reports.page.thinning import evenly
from rnnexp.reports.page.wording import number

__all__ = ["figure", "numbers_of"]

MOST_ROWS = 60
MOST_SERIES = 8


def figure(chart: Chart, caption: str) -> Figure:
    """A chart with its numbers."""
    return Figure(chart, caption, numbers_of(chart))


def numbers_of(chart: Chart) -> Table:
    """A row an x and a column a series where each has one value there, else a row a point."""
    named = [series for series in chart.series if series.label][:MOST_SERIES]
    if all(len({x for x, _ in series.points}) == len(series.points) for series in named):
        rows, columns = list(_beside(chart, named)), list(_columns(chart, named))
    else:
        rows, columns = list(_below(chart, named)), [Column(""), Column(chart.across, True)]
        columns.append(Column(chart.up, True))
    shown = evenly(rows, MOST_ROWS)
    part = f", {len(shown)} of {len(rows):,} rows" if len(shown) < len(rows) else ""
    return Table(f"Numbers{part}", columns, shown)


def _columns(chart: Chart, named: list[Series]) -> Iterator[Column]:
    yield Column(chart.across, not chart.categories)
    for series in named:
        yield Column(series.label, True)
        if series.band:
            yield Column("from", True)
            yield Column("to", True)


def _beside(chart: Chart, named: list[Series]) -> Iterator[list[str]]:
    values = [dict(series.points) for series in named]
    bands = [{x: (low, high) for x, low, high in series.band} for series in named]
    for x in sorted({x for xs in (*map(set, values), *map(set, bands)) for x in xs}):
        row = [_place(chart, x)]
        for series, points, band in zip(named, values, bands, strict=True):
            row.append(number(points.get(x)))
            if series.band:
                low, high = band.get(x, (None, None))
                row += [number(low), number(high)]
        yield row


def _below(chart: Chart, named: list[Series]) -> Iterator[list[str]]:
    for series in named:
        for x, y in series.points:
            yield [series.label, _place(chart, x), number(y)]


def _place(chart: Chart, x: float) -> str:
    if chart.categories:
        return chart.categories[min(max(round(x), 0), len(chart.categories) - 1)]
    return f"{x:,.0f}" if abs(x) < 1e15 and x == round(x) else number(x)
