"""The kernel alone moves weights and state exactly as torch's optimizers do, bit for bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rnnexp.config.training_settings import Training
from rnnexp.training.optimizers import build_optimizer
from rnnexp.training.update import FusedStep, is_fused

OPTIMIZERS: list[dict[str, Any]] = [
    {"name": "adam"},
    {"name": "adam", "weight_decay": 0.1, "betas": (0.5, 0.7), "eps": 1e-3},
    {"name": "adamw", "weight_decay": 0.1},
    {"name": "sgd"},
    {"name": "sgd", "momentum": 0.9, "weight_decay": 0.1},
    {"name": "sgd", "momentum": 0.9, "nesterov": True},
    {"name": "rmsprop", "momentum": 0.5},
]
FUSED = [settings for settings in OPTIMIZERS if settings["name"] != "rmsprop"]


def weights() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(n, 7, generator=generator)) for n in (1, 4, 33)]


def give_gradients(parameters: list[nn.Parameter], step: int, without: int | None = None) -> None:
    generator = torch.Generator().manual_seed(step)
    for index, parameter in enumerate(parameters):
        gradient = torch.randn(parameter.shape, generator=generator)
        parameter.grad = None if index == without else gradient


def optimizer_over(
    settings: dict[str, Any], parameters: list[nn.Parameter]
) -> torch.optim.Optimizer:
    return build_optimizer(Training.model_validate({"optimizer": settings}).optimizer, parameters)


def of_torch(settings: dict[str, Any], parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """torch's own class, as anybody would make it."""
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
    rest = {name: value for name, value in settings.items() if name != "name"}
    if settings["name"] == "rmsprop":
        return torch.optim.RMSprop(parameters, **rest)
    kind: Any = kinds[settings["name"]]
    made: torch.optim.Optimizer = kind(parameters, fused=True, **rest)
    return made


def state_of(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    slots = optimizer.state_dict()["state"]
    return {
        f"{index}/{name}": value.clone()
        for index, values in slots.items()
        for name, value in values.items()
        if isinstance(value, Tensor)
    }


def assert_same(ours: FusedStep, theirs: torch.optim.Optimizer) -> None:
    for mine, other in zip(
        ours.optimizer.param_groups[0]["params"], theirs.param_groups[0]["params"], strict=True
    ):
        assert torch.equal(mine, other)
    mine, other = state_of(ours.optimizer), state_of(theirs)
    assert mine.keys() == other.keys()
    assert all(torch.equal(mine[name], other[name]) for name in mine)


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("without", [None, 1])
def test_equal_to_the_optimizer(settings: dict[str, Any], without: int | None) -> None:
    """without: a parameter that has no gradient at two of the steps."""
    p_ours, p_theirs = weights(), weights()
    ours = FusedStep(optimizer_over(settings, p_ours))
    theirs = of_torch(settings, p_theirs)
    for step in range(8):
        missing = without if step in (4, 5) else None
        for parameters in (p_ours, p_theirs):
            give_gradients(parameters, step, missing)
        lr = 0.1 / (step + 1)
        theirs.param_groups[0]["lr"] = lr
        theirs.step()
        ours.step(ours.gradients(), lr)
        ours.forget_gradients()
        assert all(p.grad is None for p in p_ours)
        assert_same(ours, theirs)
    assert ours.optimizer.param_groups[0]["lr"] == 0.1 / 8


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=str)
def test_a_divided_gradient(settings: dict[str, Any]) -> None:
    p_ours, p_theirs = weights(), weights()
    ours = FusedStep(optimizer_over(settings, p_ours))
    theirs = of_torch(settings, p_theirs)
    for step in range(4):
        for parameters in (p_ours, p_theirs):
            give_gradients(parameters, step)
        for parameter in p_theirs:
            parameter.grad = parameter.grad / 3.7 if parameter.grad is not None else None
        theirs.param_groups[0]["lr"] = 0.1
        theirs.step()
        ours.step(ours.gradients(), 0.1, torch.tensor(3.7))
    # An update divides by the root of a mean of squares: rounding is magnified where that is small.
    for mine, other in zip(p_ours, p_theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("settings", FUSED, ids=str)
def test_a_step_that_is_held_back_changes_nothing(settings: dict[str, Any]) -> None:
    """Not even where the gradient is NaN; and the next one that is not goes on."""
    p_ours, p_theirs = weights(), weights()
    ours = FusedStep(optimizer_over(settings, p_ours))
    theirs = of_torch(settings, p_theirs)
    for step in range(6):
        bad = step in (2, 3)
        give_gradients(p_ours, step)
        if bad:
            for gradient in ours.gradients():
                gradient.fill_(torch.nan)
        ours.step(ours.gradients(), 0.1, torch.ones(()), torch.tensor(float(bad)))
        if not bad:
            give_gradients(p_theirs, step)
            theirs.param_groups[0]["lr"] = 0.1
            theirs.step()
        assert_same(ours, theirs)


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=str)
def test_it_finds_the_state_that_was_brought_back(settings: dict[str, Any]) -> None:
    p_ours, p_theirs = weights(), weights()
    ours = FusedStep(optimizer_over(settings, p_ours))
    theirs = of_torch(settings, p_theirs)
    for step in range(9):
        if step == 4:
            slots = {
                index: {k: v.clone() if isinstance(v, Tensor) else v for k, v in values.items()}
                for index, values in theirs.state_dict()["state"].items()
            }
            groups = ours.optimizer.state_dict()["param_groups"]
            ours.optimizer.load_state_dict({"state": slots, "param_groups": groups})
        for parameters in (p_ours, p_theirs):
            give_gradients(parameters, step)
        theirs.param_groups[0]["lr"] = 0.1
        theirs.step()
        ours.step(ours.gradients(), 0.1)
        assert_same(ours, theirs)


def test_a_frozen_parameter_does_not_cost_the_kernel() -> None:
    parameters = weights()
    parameters[1].requires_grad_(False)
    stepper = FusedStep(optimizer_over({"name": "adam"}, parameters))
    before = parameters[1].clone()
    for step in range(3):
        give_gradients(parameters, step, without=1)
        stepper.step(stepper.gradients(), 0.1)
    assert stepper._kernel is not None and torch.equal(parameters[1], before)


def test_which_are_fused() -> None:
    fused = {str(s): is_fused(optimizer_over(s, weights())) for s in OPTIMIZERS}
    assert [name for name, found in fused.items() if not found] == [str(OPTIMIZERS[-1])]
