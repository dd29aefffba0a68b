"""How well each class is found, and what it is taken for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rnnexp.reports.page.blocks import Block, Column, Figure, Paragraph, Section, Table
from rnnexp.reports.page.heat_map import HeatMap
from rnnexp.reports.page.material import RunFiles, as_number, objects_in
from rnnexp.reports.page.story import Story
from rnnexp.reports.page.tables import long_table
from rnnexp.reports.page.wording import cut, number, percent, plural

__all__ = ["classes"]

MOST_DRAWN = 40
MOST_PAIRS = 10
SCORES = ("support", "precision", "recall", "f1")


def classes(story: Story) -> Section | None:
    run = story.closely
    blocks = [*_matrix(run), *_table(run)]
    if not blocks:
        return None
    if story.several:
        whose = f"Of the best setting's first seed ({cut(run.path.name, 80)}), on the test part."
        blocks.insert(0, Paragraph(whose))
    return Section("Classes", blocks)


def _matrix(run: RunFiles) -> Iterator[Block]:
    record = run.json("confusion.json")
    names = record.get("classes")
    counts = _square(record.get("matrix"), len(names)) if isinstance(names, list) else None
    if not counts or not isinstance(names, list):
        return
    known = [str(name) for name in names]
    pairs = _pairs(known, counts)
    if len(known) > MOST_DRAWN:
        yield Paragraph(f"{plural(len(known), 'class')}, too many for a picture of all pairs.")
        yield pairs
        return
    shares = [[count / (sum(row) or 1) for count in row] for row in counts]
    found = [shares[n][n] for n, row in enumerate(counts) if sum(row)]
    mean = f"on average {percent(sum(found) / len(found))} of a class are found" if found else ""
    chart = HeatMap("Taken for which class", mean, "answered", "true class", known, shares)
    yield Figure(chart, "Per cent of the targets of a class (row) that were answered with each"
                 " class (column), on the test part.", pairs)  # fmt: skip


def _square(matrix: Any, size: int) -> list[list[float]] | None:
    """The counts; None where they are not a matrix of that size."""
    if not isinstance(matrix, list) or len(matrix) != size or not size:
        return None
    rows = [[as_number(count) for count in row] if isinstance(row, list) else [] for row in matrix]
    whole = [[max(count, 0.0) for count in row if count is not None] for row in rows]
    return whole if all(len(row) == size for row in whole) else None


def _pairs(names: Sequence[str], counts: Sequence[Sequence[float]]) -> Table:
    """What is most often taken for something else."""
    size = range(len(names))
    wrong = [(counts[a][b], a, b) for a in size for b in size if a != b and counts[a][b] > 0]
    rows = [
        [cut(names[a]), cut(names[b]), f"{count:,.0f}", percent(count / sum(counts[a]))]
        for count, a, b in sorted(wrong, reverse=True)[:MOST_PAIRS]
    ]
    columns = [Column("true class"), Column("taken for"), Column("times", True),
               Column("of the class", True)]  # fmt: skip
    return Table("The most frequent confusions", columns, rows)


def _table(run: RunFiles) -> list[Block]:
    found = objects_in(run.json("classes.json").get("classes"))
    if not found:
        return []
    ordered = sorted(found, key=lambda row: -(as_number(row.get("support")) or 0.0))
    columns = [Column("class"), *(Column(name, True) for name in SCORES)]
    rows = [_row(each) for each in ordered]
    return long_table("Every class on the test part, the most frequent first", columns, rows,
                      "class")  # fmt: skip


def _row(record: Mapping[str, Any]) -> list[str]:
    support = as_number(record.get("support"))
    scores = [number(as_number(record.get(name))) for name in SCORES[1:]]
    return [cut(str(record.get("class"))), f"{support or 0:,.0f}", *scores]
