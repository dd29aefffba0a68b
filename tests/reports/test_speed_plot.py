"""The picture of ratios: each format is what it says, and the same data give the same bytes."""

from __future__ import annotations

from typing import Any

import pytest

from rnnexp.reports.more_plots import speed_plot

BEGINS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


def found(*ratios: float) -> dict[str, Any]:
    return {
        "rows": [{"cell": "gru", "threads": 1, "ratios": {"torch": ratio}} for ratio in ratios],
        "means": [{"cell": "gru", "threads": 1, "contender": "torch", "ratio": ratios[0]}],
    }


@pytest.mark.parametrize("form", BEGINS)
def test_each_format_is_drawn_alike_every_time(form: str) -> None:
    first, again = speed_plot(found(1.5, 2.5), form), speed_plot(found(1.5, 2.5), form)
    assert first == again and first.startswith(BEGINS[form])
    assert speed_plot(found(1.5, 3.5), form) != first


@pytest.mark.parametrize("ratio", [1e-4, 1.0, 5e4])
def test_ratios_far_from_one_are_drawn_too(ratio: float) -> None:
    assert speed_plot(found(ratio), "png").startswith(BEGINS["png"])
