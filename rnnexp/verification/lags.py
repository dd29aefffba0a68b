"""The gradient of each layer's recurrent matrix, split by how far back it comes from."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import torch

from rnnexp.layers.network import Network
from rnnexp.manual.contributions import Contribution, contributions
from rnnexp.manual.network import ReaderSum
from rnnexp.tasks.task import Task
from rnnexp.verification.probe import Probe, loss_by_hand
from rnnexp.verification.transcribe import transcribe

__all__ = ["lags"]


def lags(network: Network, task: Task, probe: Probe) -> dict[str, list[Contribution]]:
    """For `layer 1 W_hh` and so on, the contribution of every lag, in float64."""
    written = transcribe(copy.deepcopy(network).to(torch.float64), np.float64)
    sums: dict[str, list[ReaderSum]] = {}
    for sequence in probe.sequences(np.float64):
        run = written.forward(sequence.inputs, sequence.condition, sequence.teacher)
        assert run.output is not None
        _, d_output = loss_by_hand(task.objective, run.output, sequence)
        for each in _flat(written.layer_sums(run, d_output / probe.batch.count)):
            sums.setdefault(f"{each.place} {each.reader.cell.recurrent}", []).append(each)
    return {label: contributions(sums[label]) for label in sorted(sums)}


def _flat(layers: Iterator[list[ReaderSum]]) -> Iterator[ReaderSum]:
    for layer in layers:
        yield from layer
