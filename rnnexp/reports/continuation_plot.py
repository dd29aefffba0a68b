"""The picture of a forecast: the last rows, what follows them, and how far off it may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.reports.drawing import INK, ORANGE, as_png, draw_line, new_figure

__all__ = ["continuation_plot"]

HISTORY = 4
"""so many rows are drawn for each one forecast"""
LEAST_HISTORY = 50


def continuation_plot(
    names: Sequence[str], values: NDArray[np.float64], records: Sequence[Mapping[str, Any]]
) -> bytes:
    """The first column: rows (S, F) of `values` and the forecasts of `records`, in own units."""
    name, rows = names[0], len(values)
    first = max(0, rows - max(HISTORY * len(records), LEAST_HISTORY))
    figure, axes = new_figure(f"{len(records)} steps ahead: {name}", "row", name)
    before = [float(row) for row in range(first, rows)]
    draw_line(axes, (before, values[first:, 0].tolist()), "history", INK, "-")
    ahead = [float(rows - 1 + record["step"]) for record in records]
    draw_line(axes, (ahead, [r["forecast"][name] for r in records]), "forecast", ORANGE, "--o")
    known = [(step, r) for step, r in zip(ahead, records, strict=True) if r["low"] is not None]
    if known:
        low, high = ([r[side][name] for _, r in known] for side in ("low", "high"))
        steps = [step for step, _ in known]
        axes.fill_between(steps, low, high, color=ORANGE, alpha=0.25, linewidth=0)
    return as_png(figure, axes)
