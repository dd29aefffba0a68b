"""What a section of a report is made of; the template knows how each is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rnnexp.reports.page.charts import Chart
from rnnexp.reports.page.heat_map import HeatMap

__all__ = ["Block", "Code", "Column", "Facts", "Figure", "Fold", "Paragraph", "Section", "Table"]


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
