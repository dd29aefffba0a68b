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
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["forecast_plot", "gradient_plot", "loss_plot", "metric_plot"]

Record = Mapping[str, Any]

LOG_SPAN = 50.0
LONGEST_FORECAST = 300


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


def forecast_plot(predictions: Iterable[Record]) -> bytes:
    """Targets and predictions of the test split in their own units, in the order of the series.

    Of several output features the first is drawn, of a long split the last 300 steps. The panel
    below shows prediction minus target.
    """
    rows = sorted(
        (index, target, prediction)
        for position, record in enumerate(predictions)
        for index in [_number(record.get("index", position))]
        for target in [_number(_first(record.get("target")))]
        for prediction in [_number(_first(record.get("prediction")))]
        if math.isfinite(index) and math.isfinite(target)
    )
    all_rows, rows = rows, rows[-LONGEST_FORECAST:]
    steps = [row[0] for row in rows]
    target, prediction = [row[1] for row in rows], [row[2] for row in rows]
    part = f", last {len(rows)} of {len(all_rows):,}" if len(rows) < len(all_rows) else ""
    figure, axes = new_figure(f"Forecast on the test split{part}", "", "value (own units)")
    draw_line(axes, (steps, target), "target", INK, "-")
    draw_line(axes, (steps, prediction), "prediction", ORANGE, "--o")
    errors = [guess - truth for truth, guess in zip(target, prediction, strict=True)]
    if rows:
        _errors_below(figure, axes, (steps, errors))
    return as_png(figure, axes)


def _errors_below(figure: Figure, axes: Axes, errors: Series) -> None:
    grid = figure.add_gridspec(2, 1, height_ratios=(3, 1), hspace=0.12)
    axes.set_subplotspec(grid[0])
    axes.tick_params(labelbottom=False)
    below = figure.add_subplot(grid[1], sharex=axes)
    dress(below, "position in the series", "error")
    below.axhline(0, color=INK, linewidth=0.8)
    below.fill_between(errors[0], errors[1], color=ORANGE, alpha=0.55, linewidth=0)


# -- reading ---------------------------------------------------------------------------------------


def _series(records: Sequence[Record], name: str) -> Series:
    """Steps and values of a metric, without what is not finite (it is spelled out in the log)."""
    points = sorted(
        (_number(record.get("step")), _number(record.get(name)))
        for record in records
        if name in record
    )
    finite = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    return [x for x, _ in finite], [y for _, y in finite]


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _first(value: Any) -> Any:
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return value


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
