"""The pictures of a run, drawn to PNG bytes.

matplotlib's object interface alone: no global state, no display. Lines differ by colour (the
palette of Okabe and Ito, told apart by colour-blind readers) and by dash or marker as well.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnnexp.config.metrics import larger_is_better
from rnnexp.reports.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    RED,
    Series,
    as_png,
    draw_line,
    dress,
    make_logarithmic,
    new_figure,
    number,
)
from rnnexp.reports.forecast_plot import forecast_plot
from rnnexp.reports.heatmaps import attention_plot, confusion_plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "attention_plot",
    "confusion_plot",
    "forecast_plot",
    "gradient_plot",
    "loss_plot",
    "metric_plot",
]

Record = Mapping[str, Any]

LOG_SPAN = 50.0


def loss_plot(records: Iterable[Record]) -> bytes:
    """Training and validation loss by step; the lowest validation loss is marked."""
    records = list(records)
    train, val = _series(records, "train/loss"), _series(records, "val/loss")
    figure, axes = new_figure("Loss", "update step", "loss")
    draw_line(axes, train, "training", BLUE, "-")
    draw_line(axes, val, "validation", RED, "--o")
    _mark_best(axes, val, "val/loss")
    _scale(axes, [train, val])
    return as_png(figure, axes)


def metric_plot(records: Iterable[Record], name: str) -> bytes:
    """One metric of validation by step, its training twin where there is one, the best marked."""
    records = list(records)
    split, _, metric = name.partition("/")
    figure, axes = new_figure(
        f"{metric or split} on {_SPLITS.get(split, split)}", "update step", name
    )
    twin = _series(records, f"train/{metric}") if split == "val" else ([], [])
    shown = _series(records, name)
    draw_line(axes, twin, "training", BLUE, "-")
    draw_line(axes, shown, _SPLITS.get(split, split), RED, "--o")
    _mark_best(axes, shown, name)
    return as_png(figure, axes)


_SPLITS = {"train": "training", "val": "validation", "test": "test"}


def gradient_plot(records: Iterable[Record]) -> bytes:
    """Gradient norm before clipping, on a logarithmic axis, and the share of steps clipped.

    The mean and the largest since the line before; the threshold where there is one.
    """
    records = [record for record in records if "grad_norm" in record]
    title = "Gradient norm before clipping"
    figure, axes = new_figure(title, "update step", "gradient norm (2-norm)")
    largest, mean = _series(records, "grad_norm_max"), _series(records, "grad_norm")
    draw_line(axes, largest, "largest", ORANGE, ":")
    draw_line(axes, mean, "mean", BLUE, "-")
    threshold, clipped = _series(records, "clip_threshold"), _series(records, "clipped")
    draw_line(axes, threshold, "clipped above", INK, "--")
    if any(value > 0 for value in largest[1] + mean[1]):
        make_logarithmic(axes)
    if clipped[0]:
        _share_below(figure, axes, clipped)
    return as_png(figure, axes)


def _share_below(figure: Figure, axes: Axes, clipped: Series) -> None:
    """A flat second panel: which share of the steps was clipped."""
    grid = figure.add_gridspec(2, 1, height_ratios=(3, 1), hspace=0.12)
    axes.set_subplotspec(grid[0])
    axes.set_xlabel("")
    axes.tick_params(labelbottom=False)
    below = figure.add_subplot(grid[1], sharex=axes)
    dress(below, "update step", "clipped")
    below.fill_between(clipped[0], clipped[1], step="pre", color=GREY, alpha=0.45, linewidth=0)
    below.set_ylim(0, 1)
    below.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    steps, shares = clipped
    lengths = [step - before for before, step in zip([0.0, *steps], steps, strict=False)]
    total = sum(map(operator.mul, lengths, shares)) / max(sum(lengths), 1.0)
    below.set_title(f"{total:.0%} of all steps clipped", fontsize=9, color=INK, loc="right", pad=3)


# -- reading ---------------------------------------------------------------------------------------


def _series(records: Sequence[Record], name: str) -> Series:
    """Steps and values of a metric, without what is not finite (it is spelled out in the log)."""
    points = sorted(
        (number(record.get("step")), number(record.get(name)))
        for record in records
        if name in record
    )
    finite = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    return [x for x, _ in finite], [y for _, y in finite]


# -- drawing ---------------------------------------------------------------------------------------


def _mark_best(axes: Axes, series: Series, name: str) -> None:
    steps, values = series
    if len(values) < 2:
        return
    best = (max if larger_is_better(name) else min)(values)
    step = steps[values.index(best)]
    label = f"best {best:.4g} at step {step:,.0f}"
    axes.plot([step], [best], "*", color=GREEN, markersize=14, label=label, zorder=5,
              markeredgecolor="white", linestyle="none")  # fmt: skip


def _scale(axes: Axes, lines: Sequence[Series]) -> None:
    """A logarithmic axis where the values span a factor of more than fifty."""
    values = [value for _, line in lines for value in line]
    if values and min(values) > 0 and max(values) / min(values) > LOG_SPAN:
        make_logarithmic(axes)
