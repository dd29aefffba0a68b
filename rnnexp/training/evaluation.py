"""Scoring a split: every example once, nothing learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rnnexp.data.batches import Batch, Batches
from rnnexp.data.dataset import Dataset, Sequences
from rnnexp.layers.network import Network
from rnnexp.tasks.objective import Regression, own_units
from rnnexp.tasks.task import Score, Task
from rnnexp.training.bptt import rows

__all__ = ["Evaluation", "evaluate", "evaluation_batches"]

WINDOWS_PER_STREAM = 8


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a split, and for a regression every forecast beside its truth, in own units."""

    metrics: Mapping[str, float]
    predictions: list[dict[str, Any]]


def evaluation_batches(dataset: Dataset, split: str, batch_size: int, carry: bool) -> Batches:
    """The batches that score a split.

    With a carried state the split is cut into at most `batch_size` parallel streams of at least 8
    windows, so that few windows begin without context.
    """
    if carry:
        batch_size = max(1, min(batch_size, len(dataset.split(split)) // WINDOWS_PER_STREAM))
    return Batches(dataset, split, batch_size, seed=0, carry=carry)


@torch.no_grad()
def evaluate(
    network: Network,
    task: Task,
    batches: Batches,
    device: torch.device,
    keep_predictions: bool = False,
) -> Evaluation:
    """Metrics over a whole split; the network is left in the mode it was in."""
    was_training = network.training
    network.eval()
    total, predictions, state = Score(), [], None
    for batch in batches.in_order():
        placed = batch.to(device)
        score, state = task.score(network, placed, rows(state, len(batch.rows)))
        state = state if batches.carry else None
        total.add(score)
        if keep_predictions and isinstance(task.objective, Regression):
            predictions += _predictions(task.objective, batches.sequences, placed, score.output)
    network.train(was_training)
    return Evaluation(task.metrics(total), predictions)


def _predictions(
    objective: Regression, sequences: Sequences, batch: Batch, output: Tensor | None
) -> list[dict[str, Any]]:
    """One record per valid target: its place in the source, the truth and the forecast."""
    assert output is not None
    truth, forecast = (
        own_units(objective.scaler, batch.targets),
        own_units(objective.scaler, output),
    )
    if truth.ndim == 2:
        truth, forecast = truth[None], forecast[None]
    first = batch.rows if sequences.origin is None else sequences.origin[batch.rows]
    lengths = None if batch.lengths is None or batch.targets.ndim == 2 else batch.lengths.tolist()
    return [
        {
            "index": int(first[b]) + t,
            "target": truth[t, b].tolist(),
            "prediction": forecast[t, b].tolist(),
        }
        for b in range(truth.shape[1])
        for t in range(len(truth) if lengths is None else lengths[b])
    ]
