"""Tables in plain characters that fit the terminal, down to 20 columns."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from .text import cells, style

__all__ = ["Column", "table"]


NARROWEST = 16


@dataclass(frozen=True)
class Column:
    """A column: its heading, its side, and what happens to it when there is no room.

    goes: the column with the largest number is left out first; 0 stays.
    wraps: its text is broken into lines (the last column only).
    """

    title: str
    right: bool = False
    goes: int = 0
    wraps: bool = False


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None, stream: IO[str]
) -> str:
    """Rows under headings, as wide as they need; too wide, columns that may go are left out.

    Where even that does not fit (20 columns), every row becomes a block of `heading: value` lines.
    Every cell must be safe already. A row may hold style codes only through `style`.
    """
    widths = [
        max([cells(column.title), *(_visible(row[i]) for row in rows)])
        for i, column in enumerate(columns)
    ]
    if columns[-1].wraps and width is not None:
        rows, widths[-1] = _wrapped(rows, widths, width)
    places = _fitting(columns, widths, width)
    if not places:
        return _blocks([column.title for column in columns], rows)
    head = [
        style(_pad(columns[i].title, widths[i], columns[i].right), "bold", stream) for i in places
    ]
    rule = [style("─" * widths[i], "dim", stream) for i in places]
    body = [[_pad(row[i], widths[i], columns[i].right) for i in places] for row in rows]
    return "\n".join("  ".join(line).rstrip() for line in [head, rule, *body])


def _wrapped(
    rows: Sequence[Sequence[str]], widths: Sequence[int], width: int
) -> tuple[list[list[str]], int]:
    """The rows with their last cell broken into the room that is left, and how wide it is now."""
    room = width - sum(wide + 2 for wide in widths[:-1])
    if widths[-1] <= room or room < NARROWEST:
        return [list(row) for row in rows], widths[-1]
    lines: list[list[str]] = []
    for row in rows:
        first, *more = textwrap.wrap(row[-1], room) or [""]
        lines.append([*row[:-1], first])
        lines.extend([""] * (len(row) - 1) + [part] for part in more)
    return lines, room


def _fitting(columns: Sequence[Column], widths: Sequence[int], width: int | None) -> list[int]:
    """The columns that there is room for; none where not even those that stay have room."""
    places = list(range(len(columns)))
    while width is not None and sum(widths[i] + 2 for i in places) - 2 > width:
        leaving = max(places, key=lambda i: (columns[i].goes, i))
        if columns[leaving].goes == 0:
            return []
        places.remove(leaving)
    return places


def _visible(text: str) -> int:
    return cells(re.sub(r"\x1b\[[0-9;]*m", "", text))


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - _visible(text))
    return space + text if right else text + space


def _blocks(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    blocks = [
        "\n".join(
            f"{title}: {cell}" for title, cell in zip(titles, row, strict=True) if cell.strip()
        )
        for row in rows
    ]
    return "\n\n".join(blocks)
