"""Tables that are long: the first rows, and all of them folded."""

from __future__ import annotations

from collections.abc import Sequence

from rnnexp.reports.page.blocks import Block, Column, Fold, Table
from rnnexp.reports.page.wording import plural

__all__ = ["long_table"]

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
