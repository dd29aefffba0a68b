"""Tables and lists of facts that fit the terminal, down to 20 columns."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import IO, Literal

from .terminal import STYLES, ascii_only, cells, coloured, style, to_ascii, width_of

__all__ = ["Cell", "Column", "fact_lines", "table", "without_room"]

Cell = str | tuple[str, str]  # a text that is safe already, or such a text and its style

NARROWEST = 16
GAP = 2


@dataclass(frozen=True)
class Column:
    """A column: its heading, its side, and what happens to it when there is no room.

    goes: the column with the largest number is left out first; 0 stays.
    wraps: its text is broken into lines.
    """

    title: str
    right: bool = False
    goes: int = 0
    wraps: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], stream: IO[str]) -> str:
    """Rows under headings, as wide as they need; too wide, columns that may go are left out.

    Where even that does not fit (20 columns), every row becomes a block of facts: rich would break
    its cells into columns of a few letters.
    """
    styled = [[_styled(cell, stream) for cell in row] for row in rows]
    widths = _widths(columns, styled)
    places = _fitting(columns, widths, width_of(stream))
    if not places:
        blocks = ({columns[i].title: text for i, (text, _) in enumerate(row)} for row in styled)
        return "\n\n".join(fact_lines(block, stream) for block in blocks)
    kept = [columns[i] for i in places]
    rest = [[row[i] for i in places] for row in styled]
    if not any(column.wraps for column in kept):
        return _in_lines(kept, rest, [widths[i] for i in places], stream)
    width = width_of(stream) or sum(widths) + GAP * len(widths)
    return _by_rich(kept, rest, width, coloured(stream))


def without_room(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], stream: IO[str]
) -> list[str]:
    """The headings of the columns that `table` would leave out; as blocks of facts none is."""
    widths = _widths(columns, [[_styled(cell, stream) for cell in row] for row in rows])
    places = _fitting(columns, widths, width_of(stream))
    return [column.title for i, column in enumerate(columns) if places and i not in places]


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[tuple[str, str]]]) -> list[int]:
    return [
        max([cells(column.title), *(cells(row[i][0]) for row in rows)])
        for i, column in enumerate(columns)
    ]


def _styled(cell: Cell, stream: IO[str]) -> tuple[str, str]:
    text, look = (cell, "") if isinstance(cell, str) else cell
    return (to_ascii(text) if ascii_only(stream) else text), look


def _in_lines(
    columns: Sequence[Column],
    rows: Sequence[Sequence[tuple[str, str]]],
    widths: Sequence[int],
    stream: IO[str],
) -> str:
    """The table where each row is a line: thousands of rows take rich a second a thousand."""
    colour = coloured(stream)
    sides = [column.right for column in columns]
    heading = _line([(column.title, "bold") for column in columns], widths, sides, colour)
    rule = (to_ascii if ascii_only(stream) else str)("─" * (sum(widths) + GAP * (len(widths) - 1)))
    body = [_line(row, widths, sides, colour) for row in rows]
    return "\n".join([heading, style(rule, "dim", stream), *body])


def _line(
    row: Sequence[tuple[str, str]], widths: Sequence[int], sides: Sequence[bool], colour: bool
) -> str:
    parts = []
    for (text, look), width, right in zip(row, widths, sides, strict=True):
        room = " " * (width - cells(text))
        seen = f"\x1b[{STYLES[look]}m{text}\x1b[0m" if colour and look and text else text
        parts.append(room + seen if right else seen + room)
    return (" " * GAP).join(parts).rstrip()


def _by_rich(
    columns: Sequence[Column], rows: Sequence[Sequence[tuple[str, str]]], width: int, colour: bool
) -> str:
    """The table by rich, which parses no markup in a Text."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, GAP - 1, 0, 0),
        header_style="bold",
        border_style="dim",
    )
    for column in columns:
        side: Literal["right", "left"] = "right" if column.right else "left"
        made.add_column(Text(column.title), justify=side, no_wrap=not column.wraps)
    for row in rows:
        made.add_row(*(Text(text, look) for text, look in row))
    drawn = io.StringIO()
    console = Console(
        file=drawn,
        width=width,
        color_system="standard" if colour else None,
        force_terminal=colour,
    )
    console.print(made)
    return "\n".join(line.rstrip() for line in drawn.getvalue().rstrip("\n").split("\n"))


def _fitting(columns: Sequence[Column], widths: Sequence[int], width: int | None) -> list[int]:
    """The columns that there is room for; none where not even those that stay have room."""
    needed = [
        min(wide, NARROWEST) if column.wraps else wide
        for column, wide in zip(columns, widths, strict=True)
    ]
    places = list(range(len(columns)))
    while width is not None and sum(needed[i] + GAP for i in places) - GAP > width:
        leaving = max(places, key=lambda i: (columns[i].goes, i))
        if columns[leaving].goes == 0:
            return []
        places.remove(leaving)
    return places


def fact_lines(facts: Mapping[str, str], stream: IO[str]) -> str:
    """`name   text` lines, wrapped to the terminal; empty facts are left out, names may be empty.

    A word longer than a line, such as a path, stays whole, so that it can be copied.
    """
    facts = {name: text.rstrip() for name, text in facts.items() if text.strip()}
    wide = max(map(len, facts), default=0)
    labels = [f"{name:<{wide}}  " if name else "" for name in facts]
    return "\n".join(map(_fact, labels, facts.values(), repeat(stream)))


def _fact(label: str, text: str, stream: IO[str]) -> str:
    width = width_of(stream)
    if width is not None and cells(label + text) > width:
        indent = " " * (len(label) if width >= 40 else 2)
        lines = textwrap.wrap(
            text,
            max(width, 12),
            initial_indent=label,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        text = "\n".join(lines)[len(label) :]
    return style(label, "dim", stream) + text
