"""The copy memory task (Hochreiter and Schmidhuber 1997; in the form of Arjovsky, Shah and Bengio
2016 and of Bai, Kolter and Koltun 2018).

With S symbols from an alphabet of A and a delay D, T = D + 2 S. Ids: 0 blank, 1..A the alphabet,
A + 1 the signal to recall. The input is S symbols, D - 1 blanks, the signal, S blanks; the target
is 0 everywhere but at the last S steps, where it repeats the symbols. Every step counts.
Remembering nothing, the best answer is blank, then each symbol with probability 1/A: the
cross-entropy per step is S ln A / (D + 2 S).
"""

from __future__ import annotations

import math

import numpy as np

from rnnexp.config.config import Config
from rnnexp.config.data_settings import CopyMemory
from rnnexp.data.dataset import Dataset, Sequences, Tokens
from rnnexp.data.splits import independent

__all__ = ["draw", "load"]


def load(config: Config, data: CopyMemory) -> Dataset:
    """Independent splits of the copy memory task."""
    symbols, alphabet = data.symbols, data.alphabet
    steps = data.delay + 2 * symbols
    splits = independent(config, data, steps, lambda n, rng: draw(n, data, rng))
    return Dataset(
        data.source,
        "many_to_many",
        *splits,
        inputs=Tokens(alphabet + 2),
        outputs=Tokens(alphabet + 1),
        reach=data.delay + data.symbols,
        know_nothing={
            "loss": symbols * math.log(alphabet) / steps,
            "accuracy": (steps - symbols + symbols / alphabet) / steps,
        },
    )


def draw(n: int, data: CopyMemory, rng: np.random.Generator) -> Sequences:
    """n examples: inputs and targets (n, T)."""
    symbols = rng.integers(1, data.alphabet + 1, (n, data.symbols))
    inputs = np.zeros((n, data.delay + 2 * data.symbols), dtype=np.int64)
    targets = np.zeros_like(inputs)
    inputs[:, : data.symbols] = symbols
    inputs[:, data.symbols + data.delay - 1] = data.alphabet + 1
    targets[:, -data.symbols :] = symbols
    return Sequences(inputs, targets)
