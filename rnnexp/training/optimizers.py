"""The learning rate over time: a factor on `lr` that depends on the update and the epoch alone."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from rnnexp.config.config import Config
from rnnexp.config.training_settings import (
    Adam,
    AdamW,
    Cosine,
    Optimizer,
    Plateau,
    RmsProp,
    Schedule,
    Sgd,
    StepDecay,
)
from rnnexp.errors import DataError

__all__ = ["LearningRate", "build_optimizer", "check_warm_up"]


# From `training.optimizer` to torch's optimizers, in their fused form where there is one.
#
# torch keeps its compiler out of some methods of an optimizer, and imports the compiler for that
# at their first call, which takes as long again as torch itself. Nothing is compiled here, so the
# classes below are torch's own with those methods as they are written, and nothing around them.


def _as_written(method: Any) -> Any:
    return torch.no_grad()(inspect.unwrap(method))


class _Plain(torch.optim.Optimizer):
    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    state_dict = inspect.unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.Optimizer.load_state_dict)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)


class _Adam(_Plain, torch.optim.Adam):
    step = _as_written(torch.optim.Adam.step)


class _AdamW(_Plain, torch.optim.AdamW):
    step = _as_written(torch.optim.AdamW.step)


class _Sgd(_Plain, torch.optim.SGD):
    step = _as_written(torch.optim.SGD.step)


class _RmsProp(_Plain, torch.optim.RMSprop):
    step = _as_written(torch.optim.RMSprop.step)


def build_optimizer(config: Optimizer, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer over the parameters."""
    settings = config.model_dump(exclude={"name"})
    parameters = list(parameters)
    if isinstance(config, AdamW):
        return _AdamW(parameters, fused=True, **settings)
    if isinstance(config, Adam):
        return _Adam(parameters, fused=True, **settings)
    if isinstance(config, Sgd):
        return _Sgd(parameters, fused=True, **settings)
    assert isinstance(config, RmsProp)
    return _RmsProp(parameters, **settings)


# The learning rate over time: a factor on `lr` that depends on the update and the epoch alone.
#
# `plateau` is the exception: it also depends on the validation metric, so it has a state.


@dataclass
class LearningRate:
    """lr(step, epoch) = base * warm-up * schedule.

    total_steps: updates of the whole training, what `cosine` falls over.
    """

    base: float
    schedule: Schedule
    total_steps: int
    plateau: float = 1.0
    waited: int = 0

    def at(self, step: int, epoch: int) -> float:
        """The learning rate of update `step`, counted from 0."""
        warmup = self.schedule.warmup_steps
        rise = min((step + 1) / warmup, 1.0) if warmup else 1.0
        return self.base * rise * self._factor(step, epoch)

    def _factor(self, step: int, epoch: int) -> float:
        schedule = self.schedule
        if isinstance(schedule, StepDecay):
            return schedule.factor ** (epoch // schedule.every)
        if isinstance(schedule, Cosine):
            span = max(self.total_steps - schedule.warmup_steps, 1)
            progress = min(max(step - schedule.warmup_steps, 0) / span, 1.0)
            return schedule.floor + (1 - schedule.floor) * (1 + math.cos(math.pi * progress)) / 2
        return self.plateau

    def epoch_ended(self, improved: bool) -> None:
        """Tell `plateau` whether the monitored metric improved in this epoch."""
        if not isinstance(self.schedule, Plateau):
            return
        self.waited = 0 if improved else self.waited + 1
        if self.waited > self.schedule.patience:
            self.plateau, self.waited = self.plateau * self.schedule.factor, 0

    def state(self) -> dict[str, float]:
        """What a checkpoint needs to go on."""
        return {"plateau": self.plateau, "waited": self.waited}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.plateau, self.waited = state["plateau"], state["waited"]


def check_warm_up(config: Config, total_steps: int) -> None:
    """A warm-up that outlasts the training never reaches the learning rate that was asked for.

    Raises:
        DataError: it does; how many updates there are is known once the data are.
    """
    warm_up = config.experiment.training.schedule.warmup_steps
    if 0 < total_steps <= warm_up:
        raise DataError(
            f"a warm-up of {warm_up:,} updates, but training makes {total_steps:,}",
            code="DAT149",
            position=config.where("training.schedule.warmup_steps"),
            key="training.schedule.warmup_steps",
            value=warm_up,
            allowed=f"0..{total_steps - 1}",
        )
