"""Forecasts fed back, against the same recurrence by hand."""

from __future__ import annotations

from itertools import islice
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rnnexp.layers.network import Network
from rnnexp.tasks.decoding import Sampling
from rnnexp.tasks.free_running import Forecaster, sampled


class SumOfWindow(nn.Module):
    """Answers the sum of a window (T, B, 1)."""

    def forward(self, inputs: Tensor, state: Any = None) -> tuple[Tensor, None]:
        return inputs.sum(0), None


class RunningSum(nn.Module):
    """Answers the sum of all that it has read, at every step."""

    def forward(self, inputs: Tensor, state: Any = None) -> tuple[Tensor, Tensor]:
        total = inputs.cumsum(0) + (0 if state is None else state)
        return total, total[-1]


def column(*values: float) -> Tensor:
    return torch.tensor(values)[:, None, None]


def test_windows_are_fed_their_own_answers() -> None:
    """Window 2, horizon 1: x_t = x_(t-1) + x_(t-2), the Fibonacci numbers."""
    forecaster = Forecaster(cast("Network", SumOfWindow()), window=2, horizon=1)
    assert forecaster.forecast(column(1, 1), 5).flatten().tolist() == [2, 3, 5, 8, 13]
    truth = column(10, 20, 30)
    forced = forecaster.forecast(column(1, 1), 3, truth=truth)
    assert forced.flatten().tolist() == [2, 1 + 10, 10 + 20]


def test_a_horizon_of_two_reads_what_was_known_two_steps_before() -> None:
    """x_t = x_(t-2) + x_(t-3): the first two forecasts need no forecast."""
    forecaster = Forecaster(cast("Network", SumOfWindow()), window=2, horizon=2)
    assert forecaster.context == 3
    assert forecaster.forecast(column(1, 2, 4), 4).flatten().tolist() == [3, 6, 4 + 3, 3 + 6]


@pytest.mark.parametrize(("horizon", "expected"), [(1, [3, 6, 12]), (2, [1, 3, 4, 7])])
def test_a_state_is_carried_on(horizon: int, expected: list[float]) -> None:
    """Every answer is the sum of all inputs so far, forecasts among them."""
    forecaster = Forecaster(cast("Network", RunningSum()), window=None, horizon=horizon)
    found = forecaster.forecast(column(1, 2), len(expected))
    assert found.flatten().tolist() == expected


class FirstPlusRest(nn.Module):
    """Answers the sum of all that a window (T, B, I) holds, as one column."""

    def forward(self, inputs: Tensor, state: Any = None) -> tuple[Tensor, None]:
        return inputs.sum((0, 2))[:, None], None


@pytest.mark.parametrize(("horizon", "expected"), [(1, [11, 31, 62]), (2, [11, 11, 31, 32])])
def test_further_columns_are_read_beside_the_answers(horizon: int, expected: list[int]) -> None:
    """Window 1: the answer is the last known value and the further column of that step."""
    forecaster = Forecaster(cast("Network", FirstPlusRest()), window=1, horizon=horizon)
    history = torch.tensor([[[1.0, 10.0]], [[1.0, 10.0]]])
    beside = column(20, 31 if horizon == 1 else 21)  # of what is read; the last steps are not
    found = forecaster.forecast(history, len(expected), beside)
    assert found.flatten().tolist() == expected


class Successor(nn.Module):
    """After token n comes n + 1 of four, for sure."""

    def forward(self, inputs: Tensor, state: Any, lengths: Any, condition: Any) -> Any:
        return 100 * nn.functional.one_hot((inputs + 1) % 4, 4).float(), state


def test_what_is_drawn_is_read_next_and_banned_ids_never_come() -> None:
    network = cast("Network", Successor())
    streams = [np.random.default_rng(0), np.random.default_rng(1)]
    steps = sampled(network, torch.tensor([[0, 2]]), Sampling(), streams)
    assert [ids.tolist() for ids in islice(steps, 3)] == [[1, 3], [2, 0], [3, 1]]
    steps = sampled(network, torch.tensor([[0, 2]]), Sampling(), streams, never=[3])
    assert not any(3 in ids.tolist() for ids in islice(steps, 20))
