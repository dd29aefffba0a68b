"""The targets of a split beside what a network answered, gathered while the split is scored.

Shape letters: T time, B batch, O output columns, M targets of a split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rnnexp.data.batches import Batch
from rnnexp.tasks.objective import Objective, Regression, own_units

__all__ = ["Answers", "answers_of"]

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
