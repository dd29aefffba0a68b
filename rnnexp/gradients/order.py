"""Does order matter? The metric with the time steps in order, and with them shuffled.

Shuffled in evaluation it tells whether the *model* uses the order; networks trained afresh on
ordered and on shuffled steps tell whether the *data* have it. Where every step has its own
target,
the pairs are shuffled together, so that what needs no past is not harmed. Of a large data set the
first examples of each part are enough to tell.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnnexp.data.dataset import Dataset, Sequences
from rnnexp.training.experiment import Experiment, initial_network

__all__ = ["data_order", "model_order", "shuffled"]

ENOUGH = 1 << 20
"""time steps of a part that are looked at"""


@dataclass(frozen=True)
class Order:
    """One metric of the validation part, in order and shuffled. steps: of the brief training."""

    metric: str
    ordered: float
    shuffled: float
    larger_is_better: bool
    steps: int | None = None

    @property
    def matters(self) -> bool:
        """Whether shuffling costs more than a twentieth of the metric."""
        if self.larger_is_better:
            return self.shuffled < 0.95 * self.ordered
        return self.shuffled > 1.05 * self.ordered


def model_order(experiment: Experiment) -> Order:
    """What the network, as it is, loses when the steps of the validation part are shuffled."""
    experiment = _with_enough(experiment)
    mixed = replace(experiment, dataset=shuffled(experiment.dataset, ("val",)))
    return _order(experiment.evaluate("val").metrics, mixed.evaluate("val").metrics, None)


def data_order(experiment: Experiment, steps: int, seconds: float) -> Order:
    """The same of two networks trained afresh, for at most so many updates and seconds each."""
    experiment = _with_enough(experiment)
    mixed = replace(experiment, dataset=shuffled(experiment.dataset, ("train", "val")))
    made, ordered = _trained(experiment, steps, seconds)
    _, unordered = _trained(mixed, made, 10 * seconds)
    return _order(ordered, unordered, made)


def _with_enough(experiment: Experiment) -> Experiment:
    data = experiment.dataset
    train, val = data.train.first(ENOUGH), data.val.first(ENOUGH)
    return replace(experiment, dataset=replace(data, train=train, val=val))


def shuffled(dataset: Dataset, splits: tuple[str, ...]) -> Dataset:
    """The data set with the valid time steps of every example of some splits permuted."""
    changed: dict[str, Any] = {
        name: _permuted(dataset.split(name), dataset.shape == "many_to_one") for name in splits
    }
    return replace(dataset, **changed)


def _permuted(split: Sequences, one_answer: bool) -> Sequences:
    rng, T = np.random.default_rng(0), split.inputs.shape[1]
    valid_NT = np.ones((len(split), T), bool)
    if split.lengths is not None:
        valid_NT = np.arange(T) < split.lengths[:, None]
    order_NT = np.argsort(np.where(valid_NT, rng.random((len(split), T)), 2.0), axis=1)
    rows = np.arange(len(split))[:, None]
    inputs = split.inputs[rows, order_NT]
    if one_answer:
        return replace(split, inputs=inputs)
    mask = None if split.mask is None else split.mask[rows, order_NT]
    return replace(split, inputs=inputs, targets=split.targets[rows, order_NT], mask=mask)


def _trained(experiment: Experiment, steps: int, seconds: float) -> tuple[int, Mapping[str, float]]:
    """How many updates were made, and the validation metrics after them."""
    settings = experiment.config.experiment
    network = initial_network(settings, experiment.dataset)
    fresh = replace(experiment, network=network.to(experiment.device))
    trainer, began, made = fresh.trainer(), time.monotonic(), 0
    network.train()
    for epoch in range(settings.training.epochs):
        for pending in trainer.gradients.of_epoch(trainer.train, epoch):
            trainer.updater.step(pending.loss, trainer.schedule.at(made, epoch))
            made += 1
            if made >= steps or time.monotonic() - began > seconds:
                return made, fresh.evaluate("val").metrics
    return made, fresh.evaluate("val").metrics


def _order(
    ordered: Mapping[str, float], unordered: Mapping[str, float], steps: int | None
) -> Order:
    name = next(name for name in ("accuracy", "rmse", "loss") if name in ordered)
    return Order(name, ordered[name], unordered[name], name == "accuracy", steps)
