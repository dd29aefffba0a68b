"""Whether two finished runs came out the same: their metrics, and the log line by line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rnnexp.recording.text_files import read_records
from rnnexp.reports.runs import read_run, read_summary

__all__ = ["WALL_CLOCK", "common_digits", "compared_metrics", "course", "first_departure"]

WALL_CLOCK = frozenset({"seconds", "tokens_per_s"})
"""what differs in the logs of two equal trainings"""
COURSE = ("stopped_by", "steps", "epochs", "best_step", "parameters")
DOUBLE_DIGITS = 15


def compared_metrics(then: Path, now: Path) -> dict[str, dict[str, float | None]]:
    """Every metric of either summary.json: `then`, `now`, and the relative `difference`."""
    before, after = read_run(then).metrics, read_run(now).metrics
    return {
        name: _compared(before.get(name), after.get(name))
        for name in dict.fromkeys((*before, *after))
    }


def _compared(then: float | None, now: float | None) -> dict[str, float | None]:
    return {"then": then, "now": now, "difference": _relative(then, now)}


def _relative(then: float | None, now: float | None) -> float:
    """The difference as a share of the larger; infinite where one is not a number."""
    if then is None or now is None:
        return math.inf
    if then == now or (math.isnan(then) and math.isnan(now)):
        return 0.0
    share = abs(then - now) / max(abs(then), abs(now))
    return share if math.isfinite(share) else math.inf


def common_digits(difference: float) -> int:
    """How many significant digits two numbers of that relative difference share at least."""
    if difference == 0:
        return DOUBLE_DIGITS
    if not math.isfinite(difference):
        return 0
    return min(max(math.floor(-math.log10(difference)), 0), DOUBLE_DIGITS)


def course(then: Path, now: Path) -> dict[str, tuple[Any, Any]]:
    """What the summaries say differently of how training went: name -> then, now."""
    before, after = read_summary(then), read_summary(now)
    pairs = {name: (before.get(name), after.get(name)) for name in COURSE}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def first_departure(then: Path, now: Path) -> dict[str, Any] | None:
    """The first line at which the logs part, wall-clock fields aside; None where they never do.

    `step`, `key`, and what it was `then` and is `now`, both None where one log has ended.
    """
    logs = [read_records(run / "metrics.jsonl") for run in (then, now)]
    for number, (before, after) in enumerate(zip_longest(*logs), start=1):
        if before is None or after is None:
            longer = "then" if after is None else "now"
            step = (before or after or {}).get("step")
            key = f"only the log of {longer} goes on"
            return {"line": number, "step": step, "key": key, "then": None, "now": None}
        if (parted := _first_difference(before, after)) is not None:
            values = {"then": before.get(parted), "now": after.get(parted)}
            return {"line": number, "step": before.get("step"), "key": parted, **values}
    return None


def _first_difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    keys = (key for key in dict.fromkeys((*before, *after)) if key not in WALL_CLOCK)
    return next((key for key in keys if before.get(key) != after.get(key)), None)
