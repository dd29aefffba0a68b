"""What one step of a text is: a character, or a word."""

from __future__ import annotations

import re

__all__ = ["split_units", "unit_spans"]

WORD = re.compile(r"\w+|[^\w\s]")


def split_units(text: str, unit: str) -> list[str]:
    """The characters (code points) of a text, or its words: runs of letters or digits, marks."""
    return list(text) if unit == "character" else WORD.findall(text)


def unit_spans(text: str) -> list[tuple[int, int, str]]:
    """Begin, end and text of each word or mark."""
    return [(*match.span(), match.group()) for match in WORD.finditer(text)]
