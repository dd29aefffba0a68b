"""What a training would cost, before it starts: shapes, parameters, memory, steps and time."""

from __future__ import annotations

import statistics
import time
from itertools import islice
from typing import Any

from rnnexp.config.config import Config
from rnnexp.config.training_settings import Backpropagation
from rnnexp.training.device import depth_of, out_of_memory, training_bytes
from rnnexp.training.experiment import Experiment, assemble, describe
from rnnexp.training.trainer import Trainer, updates_per_epoch

__all__ = ["plan"]

WARM_UP, TIMED = 1, 3


@out_of_memory()
def plan(config: Config) -> dict[str, Any]:
    """Everything `rnnexp plan` shows; three updates are really made, nothing is written.

    Keys beside those of `describe`: name, target; `memory_bytes` with `full` and, where BPTT is
    another, `truncated` or `checkpointed`; `steps_per_epoch`, `steps`, `epochs`;
    `seconds_per_step`, `seconds_per_epoch`, `seconds`; `depth`, the time steps that are held at
    once.

    Raises:
        RnnexpError: whatever would stop the training before its first step.
    """
    experiment = assemble(config)
    trainer = experiment.trainer()
    training = config.experiment.training
    per_epoch = updates_per_epoch(training, trainer.train)
    per_step = seconds_per_step(trainer)
    return describe(experiment) | {
        "name": config.experiment.name,
        "task": experiment.dataset.shape,
        "depth": depth_of(training.bptt, experiment.dataset.time_steps),
        "time_steps": experiment.dataset.time_steps,
        "memory_bytes": _memory(experiment),
        "steps_per_epoch": per_epoch,
        "epochs": training.epochs,
        "steps": trainer.total_steps,
        "seconds_per_step": per_step,
        "seconds_per_epoch": per_step * per_epoch,
        "seconds": _limited(per_step * trainer.total_steps, training.max_minutes),
    }


def seconds_per_step(trainer: Trainer) -> float:
    """The median of three real updates after one to warm up."""
    trainer.network.train()
    seconds, began = [], time.perf_counter()
    updates = trainer.gradients.of_epoch(trainer.train, 0)
    for pending in islice(updates, WARM_UP + TIMED):
        trainer.updater.step(pending.loss, trainer.schedule.at(0, 0))
        seconds.append(time.perf_counter() - began)
        began = time.perf_counter()
    return statistics.median(seconds[WARM_UP:] or seconds)


def _memory(experiment: Experiment) -> dict[str, int]:
    training, time_steps = experiment.config.experiment.training, experiment.dataset.time_steps
    batch_size = min(training.batch_size, len(experiment.dataset.train))

    def needed(bptt: Backpropagation) -> int:
        return training_bytes(experiment.layers, training.optimizer, batch_size, bptt, time_steps)

    memory = {"full": needed("full")}
    if training.bptt != "full":
        memory[type(training.bptt).__name__.lower()] = needed(training.bptt)
    return memory


def _limited(seconds: float, minutes: float | None) -> float:
    return seconds if minutes is None else min(seconds, 60 * minutes)
