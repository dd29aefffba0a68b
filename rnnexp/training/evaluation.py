"""Scoring a split: every example once, nothing learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rnnexp.config.schema.training import Truncated
from rnnexp.data.batches import Batch, Batches
from rnnexp.data.dataset import Dataset
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.tasks.objective import Regression, own_units
from rnnexp.tasks.task import Score, Task
from rnnexp.training.bptt import rows

__all__ = ["Evaluation", "evaluate", "evaluation_batches"]

WINDOWS_PER_STREAM = 8


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a split, and beside its truth every forecast of a regression, in own units, and
    every target that a delayed task wrote, as text.
    """

    metrics: Mapping[str, float]
    predictions: list[dict[str, Any]]


def evaluation_batches(
    dataset: Dataset, split: str, batch_size: int, bptt: str | Truncated
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
    keep_predictions: bool = False,
) -> Evaluation:
    """Metrics over a whole split; the network is left in the mode it was in."""
    was_training = network.training
    network.eval()
    total, predictions, state = Score(), [], None
    for batch in batches.in_order():
        state = rows(state, len(batch.rows)) if batches.carry else None
        for start, part in _parts(batch.to(device), batches.part):
            score, state = task.score(network, part, state)
            total.add(score)
            if keep_predictions and isinstance(task.objective, Regression):
                predictions += _predictions(task.objective, batches, start, part, score.output)
    network.train(was_training)
    predictions += total.records if keep_predictions else []
    return Evaluation(task.metrics(total), predictions)


def _parts(batch: Batch, length: int | None) -> Iterator[tuple[int, Batch]]:
    """The batch in pieces of `length` time steps, each with its first step; whole without one."""
    if length is None or length >= len(batch.inputs):
        yield 0, batch
        return
    for start in range(0, len(batch.inputs), length):
        yield start, batch.window(start, start + length)


def _predictions(
    objective: Regression, batches: Batches, start: int, batch: Batch, output: Tensor | None
) -> list[dict[str, Any]]:
    """One record per valid target: its place in the source, the truth and the forecast.

    `index` counts the time steps of one series. Sequences that stand alone are numbered one after
    the other, and `example` and `step` say which one and where in it.
    """
    assert output is not None
    sequences = batches.sequences
    truth, forecast = (
        own_units(objective.scaler, batch.targets),
        own_units(objective.scaler, output),
    )
    if batches.dataset.shape == "many_to_one":
        truth, forecast = truth[None], forecast[None]
    origin = batch.rows if sequences.origin is None else sequences.origin[batch.rows]
    alone = batches.dataset.shape != "many_to_one" and not batches.dataset.consecutive
    valid_TB = None if batch.mask is None else batch.mask.cpu().numpy() > 0
    records = []
    for b, first in enumerate(origin.tolist()):
        for t in range(len(truth)):
            if valid_TB is not None and not valid_TB[t, b]:
                continue
            step = start + t
            number = int(batch.rows[b]) * batches.dataset.time_steps + step
            place = {"index": number, "example": first, "step": step}
            place = place if alone else {"index": first + step}
            values = {"target": truth[t, b].tolist(), "prediction": forecast[t, b].tolist()}
            records.append(place | values)
    return records
