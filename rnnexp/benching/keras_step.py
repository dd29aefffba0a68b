"""The same training step in Keras, on JAX where that is installed, else on torch.

Imports no package of ours, as `jax_step.py`.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable

os.environ.setdefault("KERAS_BACKEND", "jax" if importlib.util.find_spec("jax") else "torch")

import keras
import numpy as np

from rnnexp.benching.shape import Shape

__all__ = ["make_step"]


def make_step(cell: str, shape: Shape) -> Callable[[], float]:
    """`train_on_batch` of a compiled model: Adam, clipped by the norm of all gradients."""
    layer = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}
    model = keras.Sequential([keras.Input((shape.T, shape.I))])
    for number in range(1, shape.L + 1):
        model.add(layer[cell](shape.H, return_sequences=number < shape.L))
    model.add(keras.layers.Dense(1))
    model.compile(optimizer=keras.optimizers.Adam(1e-3, global_clipnorm=1.0), loss="mse")
    random = np.random.default_rng(0)
    x_BTI = random.standard_normal((shape.B, shape.T, shape.I), dtype=np.float32)
    y_B1 = random.standard_normal((shape.B, 1), dtype=np.float32)
    return lambda: float(model.train_on_batch(x_BTI, y_B1))
