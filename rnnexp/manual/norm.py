"""Layer normalisation by hand: y = gain * (u - mean) / sqrt(variance + eps) + shift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Values", "Weights", "norm", "norm_backward", "norm_gradients"]

Array = NDArray[Any]
Weights = Mapping[str, Array]
Values = dict[str, Array]

EPS = 1e-5


def norm(w: Weights, part: str, u: Array) -> tuple[Array, Values]:
    """The normalised u (..., G), and what its backward step needs; u itself without a gain.

    part: `x`, `h` or `c`, whose `gain_` and `shift_` are used (Ba, Kiros, Hinton 2016).
    """
    if f"gain_{part}" not in w:
        return u, {}
    mean, variance = u.mean(-1, keepdims=True), u.var(-1, keepdims=True)
    scale = 1 / np.sqrt(variance + u.dtype.type(EPS))
    centred = (u - mean) * scale
    y = w[f"gain_{part}"] * centred + w[f"shift_{part}"]
    return y, {f"centred_{part}": centred, f"scale_{part}": scale}


def norm_backward(w: Weights, part: str, a: Values, dy: Array) -> Array:
    """dL/du from dL/dy."""
    if f"gain_{part}" not in w:
        return dy
    centred, scale = a[f"centred_{part}"], a[f"scale_{part}"]
    d = dy * w[f"gain_{part}"]
    mean, along = d.mean(-1, keepdims=True), (d * centred).mean(-1, keepdims=True)
    du: Array = (d - mean - centred * along) * scale
    return du


def norm_gradients(w: Weights, part: str, a: Values, dy: Array) -> Values:
    """dL/dgain and dL/dshift, summed over all axes but the last."""
    if f"gain_{part}" not in w:
        return {}
    axes = tuple(range(dy.ndim - 1))
    return {
        f"gain_{part}": (dy * a[f"centred_{part}"]).sum(axes),
        f"shift_{part}": dy.sum(axes),
    }
