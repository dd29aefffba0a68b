"""What stands below the scores: every class, every predicted column, what the intervals hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import IO, Any

from .table import Cell, Column, table
from .text import number, safe

__all__ = ["class_table", "details_text"]

MOST_ROWS = 12
LONGEST_NAME = 30
CLASS_COLUMNS = ("support", "precision", "recall", "f1")


def details_text(result: Mapping[str, Any], stream: IO[str]) -> str:
    """The parts that a result of `train` or `evaluate` has, an empty line between them."""
    parts = [
        class_table(_objects(result.get("classes")), stream),
        _column_table(_named(result.get("columns")), stream),
        _notes(result),
    ]
    return "\n\n".join(part for part in parts if part)


def class_table(classes: Sequence[Mapping[str, Any]], stream: IO[str]) -> str:
    """A row a class, the most frequent first; of many, six of those and the six worst others."""
    rows = sorted(classes, key=lambda row: -_value(row, "support"))
    shown, rest = rows, ""
    if len(rows) > MOST_ROWS:
        half = MOST_ROWS // 2
        occurring = [row for row in rows[half:] if _value(row, "support") > 0]
        worst = sorted(occurring, key=lambda row: _value(row, "f1"))[:half]
        shown = rows[:half] + [row for row in rows[half:] if row in worst]
        rest = f"\nof {len(rows)} classes the most frequent and the worst; evaluate --json has all"
    if not shown:
        return ""
    columns = [Column("class"), *(Column(name, right=True) for name in CLASS_COLUMNS)]
    cells: list[list[Cell]] = [
        [_name(row.get("class")), *(_cell(row.get(name)) for name in CLASS_COLUMNS)]
        for row in shown
    ]
    return table(columns, cells, stream) + rest


def _column_table(columns: Mapping[str, Mapping[str, Any]], stream: IO[str]) -> str:
    """A row a predicted column, the first twelve."""
    if not columns:
        return ""
    metrics = list(next(iter(columns.values())))
    shown = list(columns.items())[:MOST_ROWS]
    cells: list[list[Cell]] = [
        [_name(name), *(_cell(scores.get(metric)) for metric in metrics)] for name, scores in shown
    ]
    headings = [Column("column"), *(Column(safe(metric), right=True) for metric in metrics)]
    more = len(columns) - len(shown)
    rest = f"\n{more} more columns; evaluate --json has all" if more else ""
    return table(headings, cells, stream) + rest


def _notes(result: Mapping[str, Any]) -> str:
    """What the intervals hold, and what mase is relative to."""
    coverage, period = result.get("coverage"), result.get("mase_period")
    lines = []
    if isinstance(coverage, Mapping) and coverage:
        held = [f"{safe(str(level))} % holds {_percent(part)}" for level, part in coverage.items()]
        lines.append(f"prediction intervals: {', '.join(held)} of the targets")
    if isinstance(period, int):
        steps = "the value before" if period == 1 else f"the value {period:,} steps before"
        lines.append(f"mase: 1 is the error of {steps}, within the training part")
    return "\n".join(lines)


def _percent(share: Any) -> str:
    return f"{100 * share:.0f} %" if isinstance(share, int | float) else "?"


def _name(name: Any) -> str:
    text = safe(str(name))
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 3] + "..."


def _cell(value: Any) -> str:
    """A number; a dash where there is none to give."""
    return "-" if value is None else number(value)


def _value(row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []


def _named(value: Any) -> dict[str, Mapping[str, Any]]:
    """The objects in an object, as far as a file that may be damaged has them."""
    parts = value.items() if isinstance(value, Mapping) else ()
    return {name: part for name, part in parts if isinstance(part, Mapping)}
