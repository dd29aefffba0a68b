"""Plots: PNG bytes for any record, the same bytes for the same records."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from rnnexp.reports.plots import forecast_plot, gradient_plot, loss_plot, metric_plot

RECORDS: list[dict[str, Any]] = [
    {"step": s, "train/loss": math.exp(-s / 50), "grad_norm": 1.0 + s % 3, "grad_norm_max": 5.0,
     "clipped": 0.25, "clip_threshold": 1.0}
    for s in range(10, 200, 10)
] + [{"step": s, "val/loss": 1 / s, "val/rmse": 20 + 1 / s} for s in (50, 100, 150)]  # fmt: skip
PREDICTIONS = [{"index": i, "target": [math.sin(i)], "prediction": [0.9]} for i in range(40)]

Plot = Callable[[list[dict[str, Any]]], bytes]
PLOTS: list[Plot] = [
    loss_plot, gradient_plot, forecast_plot, lambda records: metric_plot(records, "val/rmse"),
]  # fmt: skip


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    assert png.startswith(b"\x89PNG")
    return matplotlib.image.imread(io.BytesIO(png), format="png")


def has_colour(image: np.ndarray[Any, Any], colour: str) -> bool:
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return bool((np.abs(image[..., :3] - wanted).max(axis=-1) < 0.02).any())


def test_each_line_is_in_the_picture() -> None:
    blue, orange, red, green = "#0072B2", "#E69F00", "#D55E00", "#009E73"
    loss = pixels(loss_plot(RECORDS))
    assert loss.shape[:2] == (504, 864)
    assert has_colour(loss, blue) and has_colour(loss, red) and has_colour(loss, green)
    assert has_colour(pixels(gradient_plot(RECORDS)), orange)
    assert has_colour(pixels(forecast_plot(PREDICTIONS)), orange)
    assert not has_colour(pixels(metric_plot(RECORDS, "val/rmse")), blue)


def test_the_same_records_give_the_same_bytes() -> None:
    assert loss_plot(RECORDS) == loss_plot(RECORDS)
    assert loss_plot(RECORDS) != loss_plot(RECORDS[:-1])


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize(
    "records",
    [
        [],
        [{}],
        [{"step": 1, "train/loss": "NaN", "val/loss": "Infinity", "val/rmse": None}],
        [{"step": 1, "train/loss": 0.0, "grad_norm": 0.0, "clipped": 0.0, "val/rmse": 3.0}],
        [{"step": 1, "grad_norm": "NaN", "grad_norm_max": float("inf")}],
        [{"index": 3, "target": 2.0, "prediction": [float("nan")]}],
        [{"index": 3, "target": [[1.0, 2.0]], "prediction": [[1.5, 2.0]]}],
    ],
)
def test_odd_records_give_a_picture_all_the_same(plot: Plot, records: list[dict[str, Any]]) -> None:
    assert pixels(plot(records)).size


def test_a_title_is_not_read_as_mathematics() -> None:
    name = "val/$\\frac{" + "x" * 200
    assert pixels(metric_plot([{"step": 1, name: 1.0}], name)).size


def test_a_long_forecast_shows_its_end() -> None:
    many = [{"index": i, "target": [float(i)], "prediction": [0.0]} for i in range(5000)]
    assert forecast_plot(many) != forecast_plot(many[-300:])  # the title says how many
    assert pixels(forecast_plot(many)).size


def test_the_intervals_are_bands() -> None:
    quantiles = {"80": {"low": [-0.2], "high": [0.5]}, "95": {"low": [-1.0], "high": [1.5]}}
    plain, banded = (
        pixels(forecast_plot(PREDICTIONS)),
        pixels(forecast_plot(PREDICTIONS, quantiles)),
    )
    pale, dark = "#DBEAF3", "#99C6DF"  # blue on white with 14 %, and 30 % above that
    assert has_colour(banded, pale) and has_colour(banded, dark)
    assert not has_colour(plain, pale) and not has_colour(plain, dark)
    odd: dict[str, dict[str, Any]] = {
        "80": {"low": ["NaN"]},
        "95": {},
        "x": {"low": None, "high": [[]]},
    }
    assert pixels(forecast_plot(PREDICTIONS, odd)).size
