"""What is about to be trained, for people: facts, and the shape of each layer with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from rnnexp.training.monitor import larger_is_better

from .tables import Cell, Column, fact_lines, table
from .terminal import duration, fitting, number, safe, style, width_of

__all__ = ["class_table", "details_text", "plan_text", "result_text", "score_table", "shape_table"]


# What stands below the scores: every class, every predicted column, what the intervals hold.

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
        [_name(row.get("class")), *(_details_cell(row.get(name)) for name in CLASS_COLUMNS)]
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
        [_name(name), *(_details_cell(scores.get(metric)) for metric in metrics)]
        for name, scores in shown
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


def _details_cell(value: Any) -> str:
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


# The result of a run: the model and the naive baselines side by side.


def result_text(summary: Mapping[str, Any], stream: IO[str]) -> str:
    """The model beside the baselines on test, its classes, how training ended, the run folder."""
    scores = score_table(summary.get("metrics", {}), summary.get("baselines", {}), stream)
    parts = [scores, details_text(summary, stream)]
    best = summary.get("best_step")
    ended = [
        f"{number(summary.get('steps'))} steps in {duration(summary.get('seconds'))}",
        f"stopped by {safe(str(summary['stopped_by']))}" if summary.get("stopped_by") else "",
        f"best at step {number(best)}" if best is not None else "",
    ]
    folder = f"{style('run folder', 'bold', stream)}  {safe(str(summary.get('run', '')))}"
    end = fitting([part for part in ended if part], width_of(stream))
    return "\n\n".join([*filter(None, parts), f"{end}\n{folder}"])


def score_table(
    metrics: Mapping[str, float],
    baselines: Mapping[str, Mapping[str, float]],
    stream: IO[str],
    split: str = "test",
) -> str:
    """One row for the model and one for each baseline, a column a metric, the best marked `*`.

    A metric that only the model has is a column all the same, without a mark. Without metrics
    of `split` those of validation are shown.
    """
    names = [name for name in metrics if name.startswith(f"{split}/")]
    if not names and split == "test":
        return score_table(metrics, {}, stream, "val") if metrics else ""
    rows = {"model": metrics} | dict(baselines)
    best = {name: _best(name, [row.get(name) for row in rows.values()]) for name in names}
    columns = [Column(""), *(Column(safe(name), right=True) for name in names)]
    cells: list[list[Cell]] = [
        [
            (safe(who), "bold") if who == "model" else safe(who),
            *(_cell(row.get(name), best[name]) for name in names),
        ]
        for who, row in rows.items()
    ]
    return table(columns, cells, stream)


def _best(name: str, values: list[float | None]) -> float | None:
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if len(finite) < 2:
        return None
    return max(finite) if larger_is_better(name) else min(finite)


def _cell(value: float | None, best: float | None) -> Cell:
    if value is None:
        return ""
    return (f"* {number(value)}", "green") if value == best else number(value)


# What is about to be trained, for people: facts, and the shape of each layer with its reason.


def plan_text(run: Path, total: int | None, description: Mapping[str, Any], stream: IO[str]) -> str:
    """Data, size, device, kernel path, then the table of layers."""
    data = description.get("data", {})
    steps = f", {total:,} steps" if total else ""
    facts = {
        "run": safe(run.name),
        "data": ", ".join(f"{safe(str(name))} {number(value)}" for name, value in data.items()),
        "model": f"{number(description.get('parameters'))} parameters{steps}",
        "device": f"{safe(str(description.get('device')))}, "
        f"{_count(description.get('threads'), 'thread')}",
        "kernel": safe(str(description.get("path", ""))),
    }
    shape = description.get("shape", ())
    return fact_lines(facts, stream) + ("\n\n" + shape_table(shape, stream) if shape else "")


def _count(amount: Any, noun: str) -> str:
    return f"{number(amount)} {noun}{'' if amount == 1 else 's'}"


def shape_table(shape: Sequence[Mapping[str, Any]], stream: IO[str]) -> str:
    """A row a layer: what it reads and returns, whether it returns its sequence, and why."""
    answers: dict[Any, str] = {True: "yes", False: "no"}
    columns = [
        Column("layer"),
        Column("reads"),
        Column("returns"),
        Column("sequence", goes=1),
        Column("because", goes=2, wraps=True),
    ]
    rows = [
        [
            safe(str(layer.get("layer", ""))),
            safe(str(layer.get("in", ""))),
            safe(str(layer.get("out", ""))),
            answers.get(layer.get("return_sequences"), ""),
            safe(str(layer.get("why", ""))),
        ]
        for layer in shape
    ]
    return table(columns, rows, stream)
