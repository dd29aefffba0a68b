"""The picture of a forecast: target, prediction, the intervals around it and the errors below."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rnnexp.reports.drawing import (
    BLUE,
    INK,
    ORANGE,
    Series,
    as_png,
    draw_line,
    dress,
    new_figure,
    number,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["forecast_plot"]

Record = Mapping[str, Any]

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
