"""Waveforms: a class in, the wave of that name out (periodic pattern generation from a static
input, as in Jordan 1986 and Elman 1990, whose plan units choose the sequence).

The classes are sine, square, sawtooth and triangle, drawn uniformly. With u = t / period, the waves
sin(2 pi u), sign(sin(2 pi u)) (1 at its zeros), 2 (u mod 1) - 1 and 1 - 4 |(u mod 1) - 1/2| all
have amplitude 1 and begin at phase 0; each value gets noise from N(0, noise^2). The class
determines everything but the noise, whose variance is the lowest mean squared error there is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Waveforms
from rnnexp.data.dataset import Dataset, Sequences, Tokens, Values
from rnnexp.data.encoding import Vocabulary
from rnnexp.data.splits import independent

__all__ = ["CLASSES", "draw", "load", "waves"]

CLASSES = Vocabulary(("sine", "square", "sawtooth", "triangle"))


def load(config: Config, data: Waveforms) -> Dataset:
    """Independent splits of classes and their waves."""
    return Dataset(
        data.source,
        "one_to_many",
        *independent(config, data, data.length, lambda n, rng: draw(n, data, rng)),
        inputs=Tokens(len(CLASSES), CLASSES),
        outputs=Values(1, ("wave",)),
    )


def draw(n: int, data: Waveforms, rng: np.random.Generator) -> Sequences:
    """n examples: classes (n,), waves (n, T, 1)."""
    classes = rng.integers(0, len(CLASSES), n)
    clean = waves(data.length, data.period)[classes]
    noisy = clean + data.noise * rng.standard_normal(clean.shape)
    return Sequences(classes, noisy[:, :, None].astype(np.float32))


def waves(length: int, period: int) -> NDArray[np.float64]:
    """The four waves without noise (4, T)."""
    phase = np.arange(length) % period / period
    sine = np.sin(2 * np.pi * phase)
    square = np.where(phase < 0.5, 1.0, -1.0)
    sawtooth = 2 * phase - 1
    triangle = 1 - 4 * np.abs(phase - 0.5)
    return np.stack([sine, square, sawtooth, triangle])
