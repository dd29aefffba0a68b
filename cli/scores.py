"""The result of a run: the model and the naive baselines side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import IO, Any

from rnnexp.config.metrics import larger_is_better

from .details import details_text
from .table import Cell, Column, table
from .text import duration, fitting, number, safe, style, width_of

__all__ = ["result_text", "score_table"]


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
