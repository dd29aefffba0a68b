"""Delayed echo: say at every step which symbol was seen `delay` steps ago (the short-term memory
task of Jaeger 2001, "Short term memory in echo state networks", with symbols).

The input is T symbols drawn uniformly from an alphabet of A; the target of step t is the input of
step t - delay. The first `delay` steps have no target and do not count. Remembering nothing, the
best answer is 1/A each: cross-entropy ln A.
"""

from __future__ import annotations

import math

import numpy as np

from rnnexp.config.config import Config
from rnnexp.config.data_settings import DelayedEcho
from rnnexp.data.dataset import Dataset, Sequences, Tokens
from rnnexp.data.splits import independent

__all__ = ["draw", "load"]


def load(config: Config, data: DelayedEcho) -> Dataset:
    """Independent splits of the echo task; the delay is shorter than the sequence."""
    tokens = Tokens(data.alphabet)
    return Dataset(
        data.source,
        "many_to_many",
        *independent(config, data, data.length, lambda n, rng: draw(n, data, rng)),
        inputs=tokens,
        outputs=tokens,
        reach=data.delay,
        know_nothing={"loss": math.log(data.alphabet), "accuracy": 1 / data.alphabet},
    )


def draw(n: int, data: DelayedEcho, rng: np.random.Generator) -> Sequences:
    """n examples: inputs, targets and mask (n, T)."""
    inputs = rng.integers(0, data.alphabet, (n, data.length))
    targets = np.zeros_like(inputs)
    targets[:, data.delay :] = inputs[:, : -data.delay]
    mask = np.broadcast_to(np.arange(data.length) >= data.delay, inputs.shape)
    return Sequences(inputs, targets, mask=mask)
