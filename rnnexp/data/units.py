"""What one step of a text is: a character, or a word."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["join_units", "split_units"]

WORD = re.compile(r"\w+|[^\w\s]")


def split_units(text: str, unit: str) -> list[str]:
    """The characters (code points) of a text, or its words: runs of letters or digits, marks."""
    return list(text) if unit == "character" else WORD.findall(text)


def join_units(units: Sequence[str], unit: str) -> str:
    """The text again; between words stands one blank."""
    return ("" if unit == "character" else " ").join(units)
