"""Losses and metrics against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnexp.data.encoding import Scaler
from rnnexp.tasks.objective import Classification, Regression


def test_regression_in_own_units() -> None:
    scaler = Scaler(np.array([10.0, 0.0]), np.array([2.0, 5.0]))
    output = torch.tensor([[0.0, 1.0], [1.0, 0.0], [9.0, 9.0]])
    target = torch.tensor([[1.0, 1.0], [1.0, 2.0], [0.0, 0.0]])
    mask = torch.tensor([1.0, 1.0, 0.0])
    objective = Regression("mse", scaler)
    metrics = objective.metrics(objective.sums(output, target, mask), 2)
    errors = np.array([[2.0, 0.0], [0.0, 10.0]])
    assert metrics["mse"] == pytest.approx((errors**2).mean())
    assert metrics["rmse"] == pytest.approx((errors**2).mean() ** 0.5)
    assert metrics["mae"] == pytest.approx(errors.mean())
    assert metrics["loss"] == pytest.approx((1 + 4) / 4)


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_a_mask_of_ones_is_no_mask(loss: str) -> None:
    output, target = torch.randn(5, 3), torch.randn(5, 3)
    objective = Regression(loss, None)
    masked, plain = (
        objective.loss(output, target, torch.ones(5)),
        objective.loss(output, target, None),
    )
    torch.testing.assert_close(masked, plain)


def test_classification_metrics() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4]])
    output, target = torch.tensor(np.log(probabilities)).float(), torch.tensor([0, 2, 2])
    objective = Classification(language=True)
    metrics = objective.metrics(objective.sums(output, target, None), 3)
    loss = -np.log([0.7, 0.3, 0.4]).mean()
    assert metrics["loss"] == pytest.approx(loss, rel=1e-5)
    assert metrics["accuracy"] == pytest.approx(2 / 3)
    assert metrics["perplexity"] == pytest.approx(np.exp(loss), rel=1e-5)
    assert metrics["bits_per_unit"] == pytest.approx(loss / np.log(2), rel=1e-5)


@pytest.mark.parametrize("masked", [False, True])
def test_label_smoothing_spreads_the_target_in_training_only(masked: bool) -> None:
    output, target = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    mask = torch.tensor([1.0, 1.0, 0.0, 1.0]) if masked else None
    spread = torch.full((4, 3), 0.1).scatter(1, target[:, None], 0.8)
    losses = -(spread * output.log_softmax(-1)).sum(-1)
    smooth = Classification(label_smoothing=0.3)
    expected = (losses if mask is None else losses * mask).sum()
    torch.testing.assert_close(smooth.loss(output, target, mask), expected)
    assert smooth.sums(output, target, mask) == Classification().sums(output, target, mask)


def test_class_weights_act_in_training_only() -> None:
    output, target = torch.randn(4, 2), torch.tensor([0, 1, 1, 0])
    plain, weighted = Classification(), Classification(torch.tensor([3.0, 1.0]))
    losses = torch.nn.functional.cross_entropy(output, target, reduction="none")
    expected = (losses * torch.tensor([3.0, 1.0, 1.0, 3.0])).sum()
    torch.testing.assert_close(weighted.loss(output, target, None), expected)
    assert weighted.sums(output, target, None) == plain.sums(output, target, None)
