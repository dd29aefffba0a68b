"""The numbers of a chart as a table, thinned where there are many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rnnexp.reports.page.svg_charts import Chart, HeatMap, Series, evenly
from rnnexp.reports.page.wording import number, plural

__all__ = [
    "Block",
    "Code",
    "Column",
    "Facts",
    "Figure",
    "Fold",
    "Paragraph",
    "Section",
    "Table",
    "figure",
    "long_table",
    "numbers_of",
]


# What a section of a report is made of; the template knows how each is written.


@dataclass(frozen=True)
class Paragraph:
    """Plain text. kind: `lead` the answer on top, `note` small print, `warning` what is amiss."""

    text: str
    kind: str = "text"


@dataclass(frozen=True)
class Column:
    """right: numbers, whose digits stand below each other. wide: text that wants some room."""

    title: str
    right: bool = False
    wide: bool = False

    @property
    def style(self) -> str:
        """Its class in the page."""
        return "r" if self.right else "w" if self.wide else "t"


@dataclass(frozen=True)
class Table:
    """Rows of text under headings. best: the cells, as (row, column), that are printed bold."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    best: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Figure:
    """A chart, what it shows, and its numbers in a table."""

    chart: Chart | HeatMap
    caption: str
    numbers: Table


@dataclass(frozen=True)
class Facts:
    """Names and what they are."""

    facts: Mapping[str, str]


@dataclass(frozen=True)
class Code:
    """Lines that are copied or read as they are."""

    text: str


@dataclass(frozen=True)
class Fold:
    """What is there for who asks."""

    summary: str
    blocks: Sequence[Block]


Block = Paragraph | Table | Figure | Facts | Code | Fold


@dataclass(frozen=True)
class Section:
    title: str
    blocks: Sequence[Block]


# Tables that are long: the first rows, and all of them folded.

MOST_ROWS = 15


def long_table(
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    what: str,
    best: frozenset[tuple[int, int]] = frozenset(),
) -> list[Block]:
    """A table; of many rows the first, the rest behind a fold. what: what a row is."""
    first = Table(caption, columns, rows[:MOST_ROWS], best)
    rest = rows[MOST_ROWS:]
    if not rest:
        return [first]
    name = f"{len(rest):,} more: {plural(len(rows), what)} in all"
    return [first, Fold(name, [Table("", columns, rest)])]


# The numbers of a chart as a table, thinned where there are many.

NUMBERS_MOST_ROWS = 60
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
    shown = evenly(rows, NUMBERS_MOST_ROWS)
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
