"""Learning curves as plots in characters, for terminals and logs."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from rnnexp.errors import UnsafeError
from rnnexp.reading import open_plain

__all__ = ["Curve", "curve", "draw", "recent", "sparkline"]

Point = tuple[float, float]
MARKS = "·●x+*"
BARS = "▁▂▃▄▅▆▇█"
TAIL_BYTES = 2**14


@dataclass(frozen=True)
class Curve:
    """A named line of (step, value) points, finite, in the order of the steps."""

    name: str
    points: tuple[Point, ...]


def curve(records: Iterable[Mapping[str, Any]], name: str) -> Curve:
    """The values of one metric in the records of metrics.jsonl, without those not finite."""
    points = []
    for record in records:
        step, value = record.get("step"), record.get(name)
        if isinstance(step, int) and isinstance(value, int | float):
            with suppress(OverflowError):  # a number of 310 digits
                point = float(step), float(value)
                points += [point] if math.isfinite(point[1]) else []
    return Curve(name, tuple(sorted(points)))


def draw(curves: Sequence[Curve], width: int = 80, height: int = 12, across: str = "step") -> str:
    """The curves over one pair of axes, in at most `width` columns.

    The first curve is drawn with `·`, the second with `●`, the others with `x + *`. Values that
    span more than a factor of fifty are drawn on a logarithmic axis, which is then said.
    across: what the axis counts.
    """
    curves = [line for line in curves if line.points]
    if not curves:
        return ""
    frame = _Frame.around(curves)
    labels = _labels(frame, height)
    margin = max(map(len, labels.values()))
    columns = max(width - margin - 2, 4)
    grid = [[" "] * columns for _ in range(height)]
    for mark, line in zip(MARKS, curves, strict=False):
        _plot(grid, line.points, mark, frame)
    body = [
        f"{labels.get(row, ''):>{margin}} {'┤' if row in labels else '│'}{''.join(cells).rstrip()}"
        for row, cells in enumerate(grid)
    ]
    indent = " " * (margin + 1)
    foot = [indent + "└" + "─" * columns, indent + " " + _steps(frame.x, columns, across)]
    return "\n".join([_legend(curves, frame.logarithmic, width), *body, *foot])


def sparkline(values: Sequence[float], width: int = 8) -> str:
    """The values in one line of `width` bars or fewer, each the mean of its part; empty without.

    On a logarithmic axis where they span more than a factor of fifty, as in `draw`.
    """
    points = [(float(place), value) for place, value in enumerate(values) if math.isfinite(value)]
    if not points:
        return ""
    frame, count = _Frame.around([Curve("", tuple(points))]), min(width, len(points))
    heights = [frame.up(value) for _, value in points]
    edges = [round(place * len(heights) / count) for place in range(count + 1)]
    parts = [heights[low:high] for low, high in pairwise(edges)]
    return "".join(BARS[round(sum(part) / len(part) * (len(BARS) - 1))] for part in parts)


def recent(log: Path) -> list[float]:
    """The loss in the last lines of a metrics.jsonl, for a run that has not finished.

    Of validation, where it was validated more than twice in them; else of training.
    """
    try:
        with open_plain(log) as lines:
            lines.seek(0, os.SEEK_END)
            lines.seek(max(lines.tell() - TAIL_BYTES, 0))
            records = list(map(_record, lines.read(TAIL_BYTES).split(b"\n")))
    except (OSError, UnsafeError):
        return []
    found = [curve(records, name).points for name in ("val/loss", "train/loss")]
    points = found[0] if len(found[0]) > 2 else max(found, key=len)
    return [value for _, value in points]


def _record(line: bytes) -> dict[str, Any]:
    """The object in a line; an empty one where it is torn."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


@dataclass(frozen=True)
class _Frame:
    """What the axes span."""

    x: Point
    y: Point
    logarithmic: bool

    @classmethod
    def around(cls, curves: Sequence[Curve]) -> _Frame:
        xs = [x for line in curves for x, _ in line.points]
        ys = [y for line in curves for _, y in line.points]
        logarithmic = min(ys) > 0 and max(ys) / min(ys) > 50
        return cls((min(xs), max(xs)), (min(ys), max(ys)), logarithmic)

    def across(self, x: float) -> float:
        """Where `x` lies: 0 at the left, 1 at the right."""
        return _share(x, *self.x)

    def up(self, y: float) -> float:
        """Where `y` lies: 0 at the bottom, 1 at the top."""
        if self.logarithmic:
            return _share(math.log(y), math.log(self.y[0]), math.log(self.y[1]))
        return _share(y, *self.y)

    def value(self, up: float) -> float:
        """The value at a height, the inverse of `up`."""
        low, high = self.y
        if self.logarithmic:
            return math.exp(math.log(low) * (1 - up) + math.log(high) * up)
        return low * (1 - up) + high * up


def _share(value: float, low: float, high: float) -> float:
    span = high / 2 - low / 2  # halved, as the difference of two floats may be no float
    return min(max((value / 2 - low / 2) / span, 0.0), 1.0) if span > 0 else 0.5


def _plot(grid: list[list[str]], points: Sequence[Point], mark: str, frame: _Frame) -> None:
    """Marks each point; a column that holds many gets their mean, as one mark."""
    height, columns = len(grid), len(grid[0])
    by_column: dict[int, list[float]] = {}
    for x, y in points:
        by_column.setdefault(round(frame.across(x) * (columns - 1)), []).append(frame.up(y))
    for column, heights in by_column.items():
        place = sum(heights) / len(heights)
        grid[height - 1 - round(place * (height - 1))][column] = mark


def _labels(frame: _Frame, height: int) -> dict[int, str]:
    """The value at the top, the middle and the bottom row; one value where all are equal."""
    rows = (0, (height - 1) // 2, height - 1)
    if frame.y[0] == frame.y[1]:
        return {height - 1 - round(0.5 * (height - 1)): f"{frame.y[0]:.4g}"}
    return {row: f"{frame.value(1 - row / (height - 1)):.3g}" for row in rows}


def _steps(limits: Point, columns: int, across: str) -> str:
    first, last = f"{across} {limits[0]:,.0f}", f"{limits[1]:,.0f}"
    gap = columns - len(first) - len(last)
    return first + " " * gap + last if gap > 0 and limits[1] > limits[0] else first[:columns]


def _legend(curves: Sequence[Curve], logarithmic: bool, width: int) -> str:
    parts = [f"{mark} {line.name}" for mark, line in zip(MARKS, curves, strict=False)]
    parts += ["(log axis)"] if logarithmic else []
    line = "   ".join(parts)
    return line if len(line) <= width else "\n".join(parts)
