"""The pictures of a run, drawn to PNG bytes.

Shape letters: O classes, T target tokens, S source tokens.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
    label,
    make_logarithmic,
    new_figure,
    number,
    png_of,
)
from rnnexp.training.monitor import larger_is_better

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

__all__ = [
    "attention_plot",
    "confusion_plot",
    "forecast_plot",
    "gradient_plot",
    "loss_plot",
    "metric_plot",
]


# The picture of a forecast: target, prediction, the intervals around it and the errors below.

LONGEST_FORECAST = 300
BANDS = {"95": 0.14, "80": 0.3}
"""the intervals to draw, in per cent, and how dark"""


def forecast_plot(
    predictions: Iterable[Record], quantiles: Mapping[str, Mapping[str, Any]] | None = None
) -> bytes:
    """Targets and predictions of the test split in their own units, in the order of the series.

    Of several output features the first is drawn, of a long split the last 300 steps. The panel
    below shows prediction minus target. quantiles: as `residual_quantiles` in summary.json; with
    them the 80 and 95 % intervals are bands around the prediction.
    """
    rows = sorted(
        (index, target, prediction)
        for position, record in enumerate(predictions)
        for index in [number(record.get("index", position))]
        for target in [number(_first(record.get("target")))]
        for prediction in [number(_first(record.get("prediction")))]
        if math.isfinite(index) and math.isfinite(target)
    )
    all_rows, rows = rows, rows[-LONGEST_FORECAST:]
    steps = [row[0] for row in rows]
    target, prediction = [row[1] for row in rows], [row[2] for row in rows]
    part = f", last {len(rows)} of {len(all_rows):,}" if len(rows) < len(all_rows) else ""
    figure, axes = new_figure(f"Forecast on the test split{part}", "", "value (own units)")
    _draw_bands(axes, (steps, prediction), quantiles or {})
    draw_line(axes, (steps, target), "target", INK, "-")
    draw_line(axes, (steps, prediction), "prediction", ORANGE, "--o")
    errors = [guess - truth for truth, guess in zip(target, prediction, strict=True)]
    if rows:
        _errors_below(figure, axes, (steps, errors))
    return as_png(figure, axes)


def _draw_bands(axes: Axes, prediction: Series, quantiles: Mapping[str, Mapping[str, Any]]) -> None:
    steps, values = prediction
    for level, dark in BANDS.items():
        low, high = (number(_first(quantiles.get(level, {}).get(end))) for end in ("low", "high"))
        if steps and math.isfinite(low) and math.isfinite(high):
            below, above = [v + low for v in values], [v + high for v in values]
            name = f"{level} % interval"
            axes.fill_between(steps, below, above, label=name, color=BLUE, alpha=dark, linewidth=0)


def _errors_below(figure: Figure, axes: Axes, errors: Series) -> None:
    grid = figure.add_gridspec(2, 1, height_ratios=(3, 1), hspace=0.12)
    axes.set_subplotspec(grid[0])
    axes.tick_params(labelbottom=False)
    below = figure.add_subplot(grid[1], sharex=axes)
    dress(below, "position in the series", "error")
    below.axhline(0, color=INK, linewidth=0.8)
    below.fill_between(errors[0], errors[1], color=ORANGE, alpha=0.55, linewidth=0)


def _first(value: Any) -> Any:
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return value


# Pictures of matrices: which class is taken for which, which word looks at which.

Matrix = NDArray[Any]

COLOURS = "Blues"
MOST_WRITTEN_CELLS = 24
MOST_LABELS = 60
MOST_LEVEL_LETTERS = 30
SIDES = (3.6, 14.0)
"""inches, at least and at most"""
DARK = 55
"""per cent, from here on white letters are easier to read than dark ones"""


def confusion_plot(classes: Sequence[str], confusion_OO: Matrix) -> bytes:
    """Row by row, which share of a class's targets was taken for which class, in per cent.

    The number of targets stands beside the name; rows of classes that never occur stay empty.
    Up to 24 classes have their shares written into the cells.
    """
    support_O = confusion_OO.sum(axis=1)
    percent_OO = 100 * confusion_OO / np.maximum(support_O, 1)[:, None]
    names = [label(name) for name in classes]
    side = 2.6 + 0.42 * len(names)
    figure, axes = _matrix_figure("Taken for which class (test split)", side + 1.2, side)
    axes.set_xlabel("answered", color=INK)
    axes.set_ylabel("true class (number of targets)", color=INK)
    image = _draw(axes, percent_OO, 100)
    rows = [f"{name} ({count:,})" for name, count in zip(names, support_O.tolist(), strict=True)]
    _name_axes(axes, rows, names)
    if len(names) <= MOST_WRITTEN_CELLS:
        _write_cells(axes, percent_OO)
    _colour_bar(figure, axes, image, "per cent of the row")
    return png_of(figure)


def attention_plot(weights_TS: Matrix, source: Sequence[str], target: Sequence[str]) -> bytes:
    """How much each target token (row) attends to each source token (column), 0..1.

    weights_TS: (T, S), as many rows and columns as there are tokens.
    """
    weights_TS = np.asarray(weights_TS)
    assert weights_TS.shape == (len(target), len(source))
    width, height = 2.8 + 0.42 * len(source), 2.2 + 0.36 * len(target)
    figure, axes = _matrix_figure("Attention", width, height)
    image = _draw(axes, weights_TS, 1)
    _name_axes(axes, [label(token) for token in target], [label(token) for token in source])
    axes.xaxis.tick_top()
    _colour_bar(figure, axes, image, "weight")
    return png_of(figure)


def _matrix_figure(title: str, width: float, height: float) -> tuple[Figure, Axes]:
    low, high = SIDES
    size = (min(max(width, low), high), min(max(height, low), high))
    figure, axes = new_figure(title, "", "", size)
    axes.grid(visible=False)
    return figure, axes


def _draw(axes: Axes, matrix: Matrix, most: float) -> AxesImage:
    return axes.imshow(
        matrix, cmap=COLOURS, vmin=0, vmax=most, aspect="auto", interpolation="nearest"
    )


def _name_axes(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    """A name at every row and column, or at every so many where there is no room for all."""
    every = [-(-len(names) // MOST_LABELS) for names in (rows, columns)]
    small = 9 if max(len(rows), len(columns)) <= MOST_WRITTEN_CELLS else 6.5
    axes.set_yticks(range(0, len(rows), every[0]), rows[:: every[0]], fontsize=small)
    axes.set_xticks(range(0, len(columns), every[1]), columns[:: every[1]], fontsize=small)
    if max(map(len, columns), default=0) * len(columns) > MOST_LEVEL_LETTERS:
        axes.tick_params(axis="x", rotation=90)


def _write_cells(axes: Axes, percent_OO: Matrix) -> None:
    for row, column in np.argwhere(percent_OO > 0).tolist():
        percent = percent_OO[row, column]
        colour = "white" if percent > DARK else INK
        text = f"{percent:.0f}" if percent >= 0.5 else "<1"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)


def _colour_bar(figure: Figure, axes: Axes, image: AxesImage, name: str) -> None:
    bar = figure.colorbar(image, ax=axes, shrink=0.7, aspect=25, pad=0.02)
    bar.set_label(name, color=INK)
    bar.ax.tick_params(labelsize=8, colors=INK)
    bar.outline.set_edgecolor(GREY)


# The pictures of a run, drawn to PNG bytes.
#
# matplotlib's object interface alone: no global state, no display. Lines differ by colour (the
# palette of Okabe and Ito, told apart by colour-blind readers) and by dash or marker as well.

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
