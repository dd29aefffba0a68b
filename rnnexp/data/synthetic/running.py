"""A running answer: the parity, or the sum, of everything read so far.

The new answer is the old one and the new input: y_t = y_{t-1} xor x_t of fair bits, or
y_t = y_{t-1} + x_t with x_t from N(0, 1/T). So a network that feeds its output back needs no other
memory, and with the true previous answer every step can be learned on its own (Goodfellow, Bengio,
Courville 2016, section 10.2.1). Knowing nothing: 1/2 right, cross-entropy ln 2; or mean squared
error (T + 1) / 2T, the mean variance of the sum.
"""

from __future__ import annotations

import math

import numpy as np

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Running
from rnnexp.data.dataset import Dataset, Sequences, Tokens, Values
from rnnexp.data.splits import independent

__all__ = ["draw_parity", "draw_sum", "load"]


def load(config: Config, data: Running) -> Dataset:
    """Independent splits of the task."""
    parity = data.operation == "parity"
    draw = draw_parity if parity else draw_sum
    splits = independent(config, data, data.length, lambda n, rng: draw(n, data.length, rng))
    mse = (data.length + 1) / (2 * data.length)
    return Dataset(
        data.source,
        "many_to_many",
        *splits,
        inputs=Tokens(2) if parity else Values(1, ("x",)),
        outputs=Tokens(2) if parity else Values(1, ("sum",)),
        know_nothing={"loss": math.log(2), "accuracy": 0.5}
        if parity
        else {"mse": mse, "rmse": math.sqrt(mse)},
    )


def draw_parity(n: int, length: int, rng: np.random.Generator) -> Sequences:
    """n examples of bits (n, T) and the parity of those up to each step (n, T)."""
    bits = rng.integers(0, 2, (n, length))
    return Sequences(bits, bits.cumsum(axis=1) % 2)


def draw_sum(n: int, length: int, rng: np.random.Generator) -> Sequences:
    """n examples of steps (n, T, 1) and their sum up to each step (n, T, 1)."""
    steps = rng.standard_normal((n, length, 1), dtype=np.float32) / np.float32(length**0.5)
    return Sequences(steps, steps.cumsum(axis=1, dtype=np.float32))
