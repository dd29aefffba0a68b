"""Dates and times in a column of text, whatever their spelling."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

__all__ = ["Moments", "calendar_seasons", "moments_of", "step_of"]

Moments = list[datetime]

ISO = re.compile(r"\d{4}-\d\d-\d\d([ T].+)?")
DAYS = (
    "%Y-%m", "%Y/%m/%d", "%Y/%m", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y",
    "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%b %d %Y", "%b %d, %Y", "%B %d, %Y", "%d %b %Y",
    "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%Y.%m.%d",
)  # fmt: skip
HOURS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", "T%H:%M", "T%H:%M:%S")
FORMATS = tuple(day + hour for day in DAYS for hour in HOURS)

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
SEASONS = {
    "minute": (60, 1440),
    "hour": (24, 168),
    "day": (7, 365),
    "week": (52,),
    "month": (12,),
    "quarter": (4,),
}
"""periods that people live by, in steps"""


def moments_of(cells: Sequence[str]) -> Moments | None:
    """Every cell as a moment, by the first spelling that fits all of them; None where none does.

    The order of day and month is told by a day after the 12th; without one it is month first.
    """
    if not cells:
        return None
    first = _first_format(cells)
    return first and [moment.replace(tzinfo=None) for moment in first]


def _first_format(cells: Sequence[str]) -> Moments | None:
    if ISO.fullmatch(cells[0].strip()):
        return _read(cells, None)
    for form in FORMATS:
        if _read(cells[:1], form) and (read := _read(cells, form)):
            return read
    return None


def _read(cells: Sequence[str], form: str | None) -> Moments | None:
    try:
        if form is None:
            return [datetime.fromisoformat(cell.strip()) for cell in cells]
        return [datetime.strptime(cell.strip(), form) for cell in cells]
    except ValueError:
        return None


def step_of(moments: Sequence[datetime]) -> str | None:
    """The commonest step between moments in order: `day`, `month`, ...; None for any other."""
    if len(moments) < 3:
        return None
    apart = Counter(round((b - a).total_seconds()) for a, b in pairwise(moments))
    seconds, _ = apart.most_common(1)[0]
    known = next((name for name, size in SECONDS.items() if size == seconds), None)
    days = seconds / 86400
    spans = (("month", 28, 31), ("quarter", 90, 92), ("year", 365, 366))
    return known or next((name for name, low, high in spans if low <= days <= high), None)


def calendar_seasons(step: str | None) -> tuple[int, ...]:
    """The periods, in steps, that a series of this step is likely to have."""
    return SEASONS.get(step or "", ())
