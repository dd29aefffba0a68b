"""Ratios are medians of the rounds' ratios; means over the shapes are geometric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest

from rnnexp.benching.results import Row, means, row_of
from rnnexp.benching.shape import Shape

SHAPE = Shape(1, 1, 1, 1, 1)
PATH = ("torch", "why")


def row(cell: str, rounds: Mapping[str, Sequence[float]], threads: int = 1) -> Row:
    return row_of(SHAPE, cell, threads, rounds, PATH, 2.0)


def test_the_ratio_is_taken_within_a_round() -> None:
    # The machine was ten times slower in the middle round. The ratios are 2, 2 and 4; that of the
    # medians would be 4 / 1 = 4.
    found = row("rnn", {"rnnexp": [1.0, 10.0, 1.0], "torch": [2.0, 20.0, 4.0]})
    assert found.ratios == {"torch": 2.0}
    assert found.seconds == {"rnnexp": 1.0, "torch": 4.0}


def test_the_rate_and_the_share_are_those_of_our_own_step() -> None:
    # 2 * (2 * 1 + 3 * 1) = 10 operations
    found = row("rnn", {"rnnexp": [5e-9], "torch": [1.0]})
    assert found.gflops == pytest.approx(2.0) and found.share == pytest.approx(1.0)


def test_means_are_geometric_by_threads_and_cell() -> None:
    rows = [
        row("rnn", {"rnnexp": [1.0], "torch": [2.0], "jax": [3.0]}),
        row("gru", {"rnnexp": [1.0], "torch": [5.0]}),
        row("rnn", {"rnnexp": [1.0], "torch": [8.0]}),
        row("rnn", {"rnnexp": [1.0], "torch": [0.5]}, threads=2),
    ]
    found = {(mean.threads, mean.cell, mean.contender): mean for mean in means(rows)}
    assert found.keys() == {(1, "rnn", "torch"), (1, "rnn", "jax"), (1, "gru", "torch"),
                            (2, "rnn", "torch")}  # fmt: skip
    both = found[1, "rnn", "torch"]
    assert both.ratio == pytest.approx(math.sqrt(2 * 8)) and both.least == 2.0 and both.shapes == 2
    assert found[1, "rnn", "jax"].shapes == 1


def test_json_of_a_row_keeps_every_round() -> None:
    told = row("rnn", {"rnnexp": [0.001, 0.003], "torch": [0.002, 0.006]}).to_json()
    assert told["shape"] == "1,1,1,1,1" and told["ms"]["rnnexp"] == pytest.approx(2.0)
    assert told["seconds_of_rounds"]["torch"] == [0.002, 0.006]
    assert told["path"] == {"name": "torch", "reason": "why"}
