from __future__ import annotations

import pytest

from rnnexp.config.training_settings import Constant, Cosine, Plateau, StepDecay
from rnnexp.training.optimizers import LearningRate


def rates(schedule: LearningRate, steps: list[int], epoch: int = 0) -> list[float]:
    return [schedule.at(step, epoch) for step in steps]


def test_constant_after_a_linear_warm_up() -> None:
    schedule = LearningRate(0.1, Constant(name="constant", warmup_steps=4), 100)
    assert rates(schedule, [0, 1, 3, 4, 99]) == pytest.approx([0.025, 0.05, 0.1, 0.1, 0.1])


def test_cosine_falls_from_lr_to_the_floor_after_the_warm_up() -> None:
    schedule = LearningRate(1.0, Cosine(name="cosine", floor=0.1, warmup_steps=10), 110)
    assert rates(schedule, [10, 60, 110, 500]) == pytest.approx([1.0, 0.55, 0.1, 0.1])


def test_step_decay_counts_epochs() -> None:
    schedule = LearningRate(1.0, StepDecay(name="step", every=3, factor=0.5), 100)
    assert [schedule.at(0, epoch) for epoch in (0, 2, 3, 6)] == [1.0, 1.0, 0.5, 0.25]


def test_plateau_falls_when_patience_runs_out_and_starts_counting_again() -> None:
    schedule = LearningRate(1.0, Plateau(name="plateau", factor=0.5, patience=1), 100)
    factors = []
    for improved in (True, False, False, False, False, True):
        schedule.epoch_ended(improved)
        factors.append(schedule.at(0, 0))
    assert factors == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    assert schedule.state() == {"plateau": 0.25, "waited": 0}


def test_a_warm_up_does_not_hide_the_decay_beneath_it() -> None:
    schedule = LearningRate(1.0, StepDecay(name="step", every=1, factor=0.1, warmup_steps=20), 100)
    assert schedule.at(9, 0) == pytest.approx(0.5)
    assert schedule.at(19, 1) == pytest.approx(0.1)
    assert schedule.at(20, 1) == pytest.approx(0.1)
