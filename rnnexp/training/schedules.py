"""The learning rate over time: a factor on `lr` that depends on the update and the epoch alone.

`plateau` is the exception: it also depends on the validation metric, so it has a state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnexp.config.config import Config
from rnnexp.config.schema.training import Cosine, Plateau, Schedule, StepDecay
from rnnexp.errors import DataError

__all__ = ["LearningRate", "check_warm_up"]


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
