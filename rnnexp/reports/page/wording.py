"""How a report writes numbers, settings and names."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Sequence
from typing import Any

__all__ = ["cut", "duration", "listed", "number", "percent", "plural", "setting_text", "visible"]

LONGEST_TEXT = 60


def visible(text: str) -> str:
    """`text` with control, bidi and other invisible characters as `\\x1b` or `\\u202e`.

    Line breaks stay: what is copied from a report keeps its lines.
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    hidden = unicodedata.category(character)[0] == "C" and character != "\n"
    if hidden or character in "\u2028\u2029":
        return character.encode("unicode_escape").decode("ascii")
    return character


def cut(text: str, longest: int = LONGEST_TEXT) -> str:
    """At most so many characters, on one line."""
    text = " ".join(visible(text).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def number(value: float | None) -> str:
    """Four significant digits or more; whole numbers whole; a dash where there is none."""
    if value is None:
        return "–"
    if isinstance(value, int) or 1e3 <= abs(value) < 1e6:
        return f"{value:,.0f}" if isinstance(value, float) else f"{value:,}"
    return f"{value:#.4g}".removesuffix(".")


def percent(share: float) -> str:
    """A share of 1 in per cent: `0 %`, `0.4 %`, `37 %`."""
    value = 100 * share
    return f"{value:.1f} %" if 0 < value < 0.95 or 99 < value < 100 else f"{value:.0f} %"


def duration(seconds: float | None) -> str:
    """Seconds as people say them: `0.9 s`, `12 s`, `3.5 min`, `20 h`."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    for unit, size, limit in (("s", 1, 100), ("min", 60, 6000), ("h", 3600, 2e5)):
        if seconds < limit:
            amount = seconds / size
            return f"{amount:.2g} {unit}" if amount < 10 else f"{amount:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


def setting_text(value: Any) -> str:
    """A setting as a config has it: `lstm`, `0.003`, `[32, 32]`, `null`."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return str(value)


def plural(count: int, noun: str) -> str:
    """`1 run`, `3 runs`, `2 classes`."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"


def listed(names: Sequence[str], most: int = 8) -> str:
    """`a, b and c`; of many the first, and how many more there are."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1:,} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
