"""Text for a terminal of any kind: safe to show, of known width, in the characters it has."""

from __future__ import annotations

import os
import sys
import textwrap
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.live import Live

__all__ = [
    "LONGEST_VALUE",
    "STYLES",
    "amount",
    "ascii_only",
    "cells",
    "coloured",
    "duration",
    "fitting",
    "living",
    "mute",
    "number",
    "print_text",
    "printable",
    "safe",
    "shown",
    "style",
    "to_ascii",
    "width_of",
    "wipe",
    "wrapped",
]

LONGEST_VALUE = 80
ASCII_FORMS = {
    "─": "-", "━": "=", "╸": ">", "│": "|", "┼": "+", "┤": "|", "└": "+", "·": ".", "●": "o",
    "…": "~", "→": "->", "×": "x", "∞": "inf", "≤": "<=", "≥": ">=", "±": "+-", "★": "*",
    "▁": "_", "▂": ".", "▃": ":", "▄": "-", "▅": "=", "▆": "+", "▇": "*", "█": "#",
    "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‖": "||",
}  # fmt: skip
living: list[Live] = []  # what is redrawn in place on a terminal just now

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def ascii_only(stream: IO[str]) -> bool:
    """Whether only ASCII may be written: by the stream's encoding, or because LC_ALL says C."""
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
    return not encoding.startswith("utf") or os.environ.get("LC_ALL") in ("C", "POSIX")


def coloured(stream: IO[str]) -> bool:
    """Whether the stream is a terminal that shows colours and nobody asked for none."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb"
    return not plain and stream.isatty()


def width_of(stream: IO[str]) -> int | None:
    """Columns of the terminal, or COLUMNS; None for a file, whose lines may be of any length."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return None


def safe(text: str) -> str:
    """`text` with control, bidi and other invisible characters as `\\x1b` or `\\u202e`."""
    return text if text.isascii() and text.isprintable() else "".join(map(_safe, text))


def _safe(character: str) -> str:
    hidden = unicodedata.category(character)[0] == "C" or character in "\u2028\u2029"
    return character.encode("unicode_escape").decode("ascii") if hidden else character


def shown(value: Any) -> str:
    """A value as `repr`, safe, and cut at 80 characters."""
    try:
        text = safe(repr(value))
    except ValueError:  # an integer too long for Python to write out in decimal
        text = f"a {type(value).__name__} too long to show"
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def cells(text: str) -> int:
    """Columns of a terminal that `text` takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def to_ascii(text: str) -> str:
    """`text` in ASCII: our own signs by their nearest form, everything else escaped."""
    plain = "".join(ASCII_FORMS.get(character, character) for character in text)
    return plain.encode("ascii", "backslashreplace").decode("ascii")


def style(text: str, name: str, stream: IO[str]) -> str:
    """`text` in bold, dim or a colour where the stream shows it."""
    return f"\x1b[{STYLES[name]}m{text}\x1b[0m" if text and coloured(stream) else text


def mute(stream: IO[str]) -> None:
    """Nobody reads the stream any more: from now on what is written to it, buffers too, is lost."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def printable(text: str, stream: IO[str]) -> str:
    """One piece of our own text, already safe, for a stream that may know only ASCII."""
    text = to_ascii(text) if ascii_only(stream) else text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def print_text(text: str = "", stream: IO[str] | None = None) -> None:
    """Writes one piece of our own text, already safe, and takes a living line away first."""
    stream = stream or sys.stdout
    wipe()
    stream.write(printable(text, stream) + "\n")


def wipe() -> None:
    """Takes the lines away that are redrawn in place; whoever draws them may start again."""
    while living:
        with suppress(OSError):
            living.pop().stop()


def fitting(parts: Sequence[str], width: int | None) -> str:
    """As many of the parts, from the first on, as fit into a line; cut if not even one does."""
    parts = [part for part in parts if part]
    while width is not None and len(parts) > 1 and cells("  ".join(parts)) > width:
        parts = parts[:-1]
    return "  ".join(parts)[:width]


def wrapped(text: str, stream: IO[str]) -> str:
    """A sentence in lines of the terminal; long words stay whole, so that they can be copied."""
    width = width_of(stream)
    if width is None or cells(text) <= width:
        return text
    wide = max(width, 12)
    lines = textwrap.wrap(text, wide, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


def number(value: Any) -> str:
    """A measured number in four significant digits; anything else as it is, made safe."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else safe(str(value))
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def amount(size: int | None) -> str:
    """Bytes as people say them: `512 B`, `13.2 kB`, `1.1 MB`; empty where it is not known."""
    if size is None or size < 1000:
        return "" if size is None else f"{size} B"
    scaled, units = float(size), ("kB", "MB", "GB", "TB")
    for unit in units:
        scaled /= 1000
        if scaled < 999.5 or unit == units[-1]:
            return f"{scaled:.1f} {unit}" if scaled < 99.95 else f"{scaled:.0f} {unit}"
    return ""


def duration(seconds: float | None) -> str:
    """Seconds as people say them: `850 ms`, `12 s`, `3.5 min`, `20 h`, `4 d`; whole for an int."""
    if seconds is None:
        return ""
    for unit, size, limit in (("ms", 1e-3, 1), ("s", 1, 100), ("min", 60, 6000), ("h", 3600, 2e5)):
        if seconds < limit:
            amount = seconds / size
            fraction = amount < 10 and isinstance(seconds, float)
            return f"{amount:.2g} {unit}" if fraction else f"{amount:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"
