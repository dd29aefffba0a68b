"""The lecture's own example: `nn.RNN(5, 2)` with seed 1 on ones, twos and threes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from rnnexp.data.batches import Batch
from rnnexp.layers.direction import HiddenDirection
from rnnexp.layers.network import Network
from rnnexp.layers.stack import RecurrentLayer, Stack
from rnnexp.manual.norm import Array
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.objective import Regression
from rnnexp.tasks.task import Task
from rnnexp.verification.probe import Probe

__all__ = ["HIDDEN", "OUTPUT", "Lecture", "lecture", "printed_difference"]

HIDDEN = ((-0.4701929, 0.5863904), (-0.88883156, 1.2364397), (-1.3074701, 1.886489))
OUTPUT = ((-0.3519801, 0.52525216), (-0.68424344, 0.76074266), (-0.8649416, 0.90466356))
"""W_xh x_t + b_xh and h_t as the lecture prints them"""
LAST_PLACE = 4e-7
"""what the last printed digit of float32 may differ by from one CPU to another"""


@dataclass(frozen=True)
class Lecture:
    """The layer with a loss on top, mean h^2, so that it has gradients to compare."""

    network: Network
    task: Task
    probe: Probe


def lecture() -> Lecture:
    """The example, the same on every machine; torch's random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        layer = nn.RNN(input_size=5, hidden_size=2, num_layers=1, batch_first=True)
        direction = HiddenDirection("rnn", 5, 2)
    direction.rnn.load_state_dict(layer.state_dict())
    stack = Stack([RecurrentLayer(direction, None, "concat", return_sequences=True)])
    network = Network(nn.Identity(), stack, nn.Identity())
    x_T1I = torch.tensor([[1.0] * 5, [2.0] * 5, [3.0] * 5]).unsqueeze(1)
    batch = Batch(x_T1I, torch.zeros(3, 1, 2), np.arange(1), count=3, steps=3)
    return Lecture(network, ManyToManyTask(Regression("mse", None)), Probe(batch, stepwise=True))


def printed_difference(hidden: Array, output: Array) -> float:
    """The largest difference between values (T, H) and those that the lecture prints."""
    pairs = ((hidden, HIDDEN), (output, OUTPUT))
    return max(float(np.abs(np.asarray(ours) - np.array(theirs)).max()) for ours, theirs in pairs)
