"""The adding problem (Hochreiter and Schmidhuber 1997, experiment 4, in the form of Le, Jaitly and
Hinton 2015).

At each of the T steps the input is a value from U[0, 1] and a marker. The marker is 1 at exactly
two steps, one drawn uniformly from the first half 0..T//2-1 and one from the rest, and 0 elsewhere.
The target is the sum of the two marked values. Knowing nothing, the best answer is 1: the mean
squared error is then the variance of a sum of two uniforms, 1/6, and the mean absolute error 1/3.
"""

from __future__ import annotations

import math

import numpy as np

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Adding
from rnnexp.data.dataset import Dataset, Sequences, Values
from rnnexp.data.splits import independent

__all__ = ["draw", "load"]


def load(config: Config, data: Adding) -> Dataset:
    """Independent splits of the adding problem."""
    splits = independent(config, data, 2 * data.length, lambda n, rng: draw(n, data.length, rng))
    return Dataset(
        data.source,
        "many_to_one",
        *splits,
        inputs=Values(2, ("value", "marker")),
        outputs=Values(1, ("sum",)),
        reach=data.length - 1,
        know_nothing={"mse": 1 / 6, "rmse": math.sqrt(1 / 6), "mae": 1 / 3},
    )


def draw(n: int, length: int, rng: np.random.Generator) -> Sequences:
    """n examples: inputs (n, T, 2), targets (n, 1)."""
    inputs = np.zeros((n, length, 2), dtype=np.float32)
    inputs[:, :, 0] = rng.random((n, length), dtype=np.float32)
    example = np.arange(n)
    marked = np.stack(
        [rng.integers(0, length // 2, n), rng.integers(length // 2, length, n)], axis=1
    )
    inputs[example[:, None], marked, 1] = 1
    targets = inputs[example[:, None], marked, 0].sum(axis=1, keepdims=True)
    return Sequences(inputs, targets)
