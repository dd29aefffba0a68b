"""The temporal order problem with two symbols (Hochreiter and Schmidhuber 1997, experiment 6a).

A sequence begins with E, ends with B, and is filled with the distractors a, b, c, d, drawn
uniformly; at one step of its second tenth and one step of its sixth tenth stands X or Y. The class
is which two they were, in order: XX, XY, YX or YY. In the paper T is drawn from 100..110 and the
steps from 10..20 and 50..60; here T is fixed and the two ranges scale with it, T//10..2T//10-1 and
T//2..6T//10-1. Remembering nothing, the best answer is 1/4 each: cross-entropy ln 4.

As many-to-many the same is asked at the last step, and only that step counts: so that BPTT can be
truncated.
"""

from __future__ import annotations

import math

import numpy as np

from rnnexp.config.config import Config
from rnnexp.config.data_settings import TemporalOrder
from rnnexp.data.dataset import Dataset, Sequences, Tokens
from rnnexp.data.encoding import Vocabulary
from rnnexp.data.splits import independent

__all__ = ["CLASSES", "SYMBOLS", "at_the_last_step", "draw", "load"]

SYMBOLS = Vocabulary(("E", "B", "X", "Y", "a", "b", "c", "d"))
CLASSES = Vocabulary(("XX", "XY", "YX", "YY"))
BEGIN, END, X, FIRST_DISTRACTOR = 0, 1, 2, 4


def load(config: Config, data: TemporalOrder) -> Dataset:
    """Independent splits of the temporal order problem."""
    each_step = config.experiment.task.kind == "many_to_many"

    def examples(n: int, rng: np.random.Generator) -> Sequences:
        drawn = draw(n, data.length, rng)
        return at_the_last_step(drawn) if each_step else drawn

    return Dataset(
        data.source,
        "many_to_many" if each_step else "many_to_one",
        *independent(config, data, data.length, examples),
        inputs=Tokens(len(SYMBOLS), SYMBOLS),
        outputs=Tokens(len(CLASSES), CLASSES),
        reach=data.length - 1 - data.length // 10,
        know_nothing={"loss": math.log(4), "accuracy": 1 / 4},
    )


def draw(n: int, length: int, rng: np.random.Generator) -> Sequences:
    """n examples: inputs (n, T), targets (n,)."""
    inputs = rng.integers(FIRST_DISTRACTOR, len(SYMBOLS), (n, length))
    inputs[:, 0], inputs[:, -1] = BEGIN, END
    is_y = rng.integers(0, 2, (n, 2))
    first = rng.integers(length // 10, 2 * length // 10, n)
    second = rng.integers(length // 2, 6 * length // 10, n)
    inputs[np.arange(n)[:, None], np.stack([first, second], axis=1)] = X + is_y
    return Sequences(inputs, targets=2 * is_y[:, 0] + is_y[:, 1])


def at_the_last_step(drawn: Sequences) -> Sequences:
    """The same with targets (n, T), of which only the last counts."""
    steps = np.arange(drawn.inputs.shape[1])
    targets = np.repeat(drawn.targets[:, None].astype(np.int64), len(steps), axis=1)
    mask = np.broadcast_to(steps == steps[-1], targets.shape)
    return Sequences(drawn.inputs, targets, mask=mask)
