"""What axes span."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnexp.sweeps.definition import Choice, Interval, Setting, Values, drawn, grid, size

CELLS = Values("model.cell", ("rnn", "lstm"))
REMEDY = Choice("remedy", {"none": {}, "clip": {"training.clip": {"norm": 1.0}}})
RATE = Interval("lr", 1e-4, 1e-1, logarithmic=True, points=4)


def test_a_grid_is_every_combination_the_last_axis_fastest() -> None:
    axes = (CELLS, REMEDY)
    assert [(s.values.get("model.cell"), s.labels["remedy"]) for s in grid(axes)] == [
        ("rnn", "none"), ("rnn", "clip"), ("lstm", "none"), ("lstm", "clip"),
    ]  # fmt: skip
    assert size((CELLS, REMEDY, RATE)) == len(list(grid((CELLS, REMEDY, RATE)))) == 16


def test_a_logarithmic_range_is_even_in_the_logarithm() -> None:
    rates = [setting.values["lr"] for setting in RATE.grid()]
    assert rates == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1])


def test_whole_ends_give_whole_numbers_each_once() -> None:
    sizes = Interval("h", 1, 4, points=10).grid()
    assert [setting.values["h"] for setting in sizes] == [1, 2, 3, 4]
    assert Interval("h", 7, 9, points=1).grid()[0].values["h"] == 7


@given(st.integers(0, 2**32 - 1), st.integers(0, 1000), st.booleans())
def test_what_is_drawn_lies_within_and_depends_on_seed_and_number_alone(
    seed: int, number: int, logarithmic: bool
) -> None:
    axes = (CELLS, Interval("lr", 1e-3, 0.5, logarithmic), REMEDY)
    setting = drawn(axes, seed, number)
    assert setting == drawn(axes, seed, number)
    assert setting.values["model.cell"] in CELLS.values
    assert 1e-3 <= setting.values["lr"] <= 0.5


def test_draws_of_a_logarithmic_range_have_their_median_in_its_middle() -> None:
    chance = random.Random(0)
    rates = sorted(RATE.draw(chance).values["lr"] for _ in range(2001))
    assert rates[1000] == pytest.approx(10**-2.5, rel=0.2)


def test_settings_are_laid_over_each_other() -> None:
    both = Setting({"a": 1, "b": 1}, {"x": "u"}) | Setting({"b": 2}, {"y": "v"})
    assert both == Setting({"a": 1, "b": 2}, {"x": "u", "y": "v"})
