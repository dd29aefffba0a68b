"""Scoring a split: every example once, nothing learned.

Shape letters: T time, B batch, O output columns, M targets of a split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnexp.config.training_settings import Backpropagation, Truncated
from rnnexp.data.batches import Batch, Batches
from rnnexp.data.dataset import Dataset
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.tasks.objective import Objective, Regression, own_units
from rnnexp.tasks.task import Score, Task
from rnnexp.training.bptt import rows
from rnnexp.training.interrupt import stop_if_asked

__all__ = ["Answers", "Evaluation", "evaluate", "evaluation_batches"]


# The targets of a split beside what a network answered, gathered while the split is scored.

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """M targets and answers, padded steps among them.

    rows: (M,) which example of the split. steps: (M,) which of its time steps.
    counted: (M,) whether the target counts.
    target, prediction: (M, O) numbers in own units, or (M,) ids.
    probability: (M,) of the predicted class; None for numbers and for generated sequences.
    """

    rows: Ints
    steps: Ints
    counted: NDArray[np.bool_]
    target: NDArray[Any]
    prediction: NDArray[Any]
    probability: NDArray[np.float64] | None = None

    @classmethod
    def join(cls, parts: Sequence[Answers]) -> Answers:
        """All parts in one, in the order of example and step."""
        order = np.lexsort(
            (np.concatenate([p.steps for p in parts]), np.concatenate([p.rows for p in parts]))
        )
        joined = {
            field.name: np.concatenate([getattr(part, field.name) for part in parts])[order]
            for field in fields(cls)
            if getattr(parts[0], field.name) is not None
        }
        return cls(**joined)

    def valid(self) -> Answers:
        """Those alone whose target counts."""
        kept = {
            field.name: value[self.counted]
            for field in fields(self)
            if (value := getattr(self, field.name)) is not None
        }
        return Answers(**kept)


def answers_of(objective: Objective, batch: Batch, start: int, output: Tensor) -> Answers:
    """The answers of one batch, whose first time step is `start`; output as in `Score`."""
    target, prediction, probability = _judged(objective, batch.targets, output)
    own_axes = 2 if isinstance(objective, Regression) else 1  # a number has O values, an id none
    if target.ndim == own_axes:  # one answer per sequence
        target, prediction = target[None], prediction[None]
        probability = None if probability is None else probability[None]
    steps = target.shape[0]
    counted_TB = np.ones(target.shape[:2], bool)
    if batch.mask is not None:
        counted_TB = batch.mask.cpu().numpy() > 0
    return Answers(
        rows=np.tile(batch.rows, steps),
        steps=np.repeat(np.arange(start, start + steps), len(batch.rows)),
        counted=counted_TB.ravel(),
        target=_flat(target),
        prediction=_flat(prediction),
        probability=None if probability is None else _flat(probability),
    )


def _judged(
    objective: Objective, target: Tensor, output: Tensor
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64] | None]:
    """Target, answer and, of a class that was chosen, its probability; each with its own axes."""
    if isinstance(objective, Regression):
        scaler = objective.scaler
        return own_units(scaler, target), own_units(scaler, output), None
    if output.dim() == target.dim():  # ids that were generated
        return target.cpu().numpy(), output.cpu().numpy(), None
    probability, answer = output.softmax(-1).max(-1)
    return target.cpu().numpy(), answer.cpu().numpy(), probability.double().cpu().numpy()


def _flat(values: NDArray[Any]) -> NDArray[Any]:
    """(T, B, ...) -> (T * B, ...)"""
    return values.reshape(-1, *values.shape[2:])


# Scoring a split: every example once, nothing learned.

WINDOWS_PER_STREAM = 8


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a split; where they were kept, every answer beside its target.

    class_counts: (3, O) right answers, answers and targets of each class, where they are counted.
    records: every target that a delayed task wrote, as text beside the true one.
    """

    metrics: Mapping[str, float]
    class_counts: NDArray[np.int64] | None
    answers: Answers | None = None
    records: Sequence[Mapping[str, Any]] = ()


def evaluation_batches(
    dataset: Dataset, split: str, batch_size: int, bptt: Backpropagation
) -> Batches:
    """The batches that score a split, in pieces of k2 time steps where training is truncated too.

    With a carried state the split is cut into at most `batch_size` parallel streams of at least 8
    windows, so that few windows begin without context.
    """
    if not isinstance(bptt, Truncated):
        return Batches(dataset, split, batch_size, seed=0)
    if bptt.carry_state:
        batch_size = max(1, min(batch_size, len(dataset.split(split)) // WINDOWS_PER_STREAM))
    part = bptt.k2 if dataset.shape == "many_to_many" else None
    return Batches(dataset, split, batch_size, seed=0, carry=bptt.carry_state, part=part)


@torch.no_grad()
def evaluate(
    network: AnyNetwork,
    task: Task,
    batches: Batches,
    device: torch.device,
    keep_answers: bool = False,
) -> Evaluation:
    """Metrics over a whole split; the network is left in the mode it was in.

    Raises Interrupted where a run is scored and a signal has come.
    """
    was_training = network.training
    network.eval()
    total, state = Score(), None
    kept: list[Answers] = []
    for batch in batches.in_order():
        state = rows(state, len(batch.rows)) if batches.carry else None
        for start, part in _parts(batch.to(device), batches.part):
            stop_if_asked()
            score, state = task.score(network, part, state)
            total.add(score)
            if keep_answers and score.output is not None:
                kept.append(answers_of(task.objective, part, start, score.output))
    network.train(was_training)
    answers = Answers.join(kept) if kept else None
    return Evaluation(task.metrics(total), total.class_counts, answers, total.records)


def _parts(batch: Batch, length: int | None) -> Iterator[tuple[int, Batch]]:
    """The batch in pieces of `length` time steps, each with its first step; whole without one."""
    if length is None or length >= len(batch.inputs):
        yield 0, batch
        return
    for start in range(0, len(batch.inputs), length):
        yield start, batch.window(start, start + length)
