"""Scoring a split: every example once, nothing learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rnnexp.config.schema.training import Backpropagation, Truncated
from rnnexp.data.batches import Batch, Batches
from rnnexp.data.dataset import Dataset
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.tasks.task import Score, Task
from rnnexp.training.answers import Answers, answers_of
from rnnexp.training.bptt import rows
from rnnexp.training.interrupt import stop_if_asked

__all__ = ["Evaluation", "evaluate", "evaluation_batches"]

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
