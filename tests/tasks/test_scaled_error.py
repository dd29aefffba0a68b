"""The mean absolute scaled error by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from rnnexp.data.encoding import Scaler
from rnnexp.data.series import naive_mae
from rnnexp.tasks.objective import Regression
from rnnexp.tasks.scores import scale_weights

SERIES = np.array([[1.0, 5.0], [4.0, 5.0], [2.0, 5.0], [8.0, 5.0]])


def test_the_naive_forecast_within_the_training_part() -> None:
    ones, twos = naive_mae([SERIES], 1), naive_mae([SERIES], 2)
    assert ones is not None and ones.tolist() == [(3 + 2 + 6) / 3, 0]
    assert twos is not None and twos.tolist() == [(1 + 4) / 2, 0]
    assert naive_mae([SERIES], 4) is None  # no step has one a season before it
    assert naive_mae([SERIES[:, 1:]], 1) is None  # nothing to scale by


@pytest.mark.parametrize(
    ("naive", "expected"),
    [([2.0, 4.0], (1 / 2 + 3 / 4 + 3 / 2 + 1 / 4) / 4), ([2.0, 0.0], (1 / 2 + 3 / 2) / 2)],
)
def test_errors_of_a_network_in_units_of_it(
    make_dataset: Any, naive: list[float], expected: float
) -> None:
    """Errors 1 and 3, then 3 and 1, in own units; a masked step does not count."""
    dataset = replace(make_dataset("many_to_one"), naive_mae=np.array(naive))
    scaler = Scaler(np.array([10.0, -7.0]), np.array([2.0, 2.0]))
    objective = Regression("mse", scaler, scale_weights(dataset))
    output = torch.tensor([[0.5, -1.5], [1.5, 0.5], [99.0, 99.0]])
    sums = objective.sums(output, torch.zeros(3, 2), torch.tensor([1.0, 1.0, 0.0]))
    assert objective.metrics(sums, 2)["mase"] == pytest.approx(expected)


def test_without_a_series_there_is_none(make_dataset: Any) -> None:
    assert scale_weights(make_dataset("many_to_one")) is None
