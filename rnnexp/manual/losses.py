"""The losses by hand: their sum over the targets that count, and its derivative by the output.

Shape letters: O output features or classes; `...` leading axes (none, or time).
"""

from __future__ import annotations

import numpy as np

from rnnexp.manual.norm import Array

__all__ = ["cross_entropy", "regression"]


def cross_entropy(
    z: Array, target: Array, counts: Array, class_weights: Array | None = None
) -> tuple[float, Array]:
    """L = -sum of w_c log softmax(z)_c over the targets c: dL/dz = w_c (softmax(z) - onehot(c)).

    z (..., O), target (...) class numbers, counts (...) 1 where a target counts.
    """
    shifted = z - z.max(-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    weights = counts if class_weights is None else counts * class_weights[target]
    one_hot = np.eye(z.shape[-1], dtype=z.dtype)[target]
    loss = -(weights * (log_p * one_hot).sum(-1)).sum()
    return float(loss), weights[..., None] * (np.exp(log_p) - one_hot)


def regression(name: str, z: Array, target: Array, counts: Array) -> tuple[float, Array]:
    """Mean over the O features of mse e^2, mae |e| or huber (e^2/2 up to 1, then |e| - 1/2).

    z and target (..., O), counts (...) 1 where a target counts; e = z - target.
    """
    e = z - target
    size = np.abs(e)
    if name == "mse":
        loss, slope = e**2, 2 * e
    elif name == "mae":
        loss, slope = size, np.sign(e)
    else:
        loss = np.where(size < 1, e**2 / 2, size - 0.5)
        slope = np.where(size < 1, e, np.sign(e))
    weights = counts[..., None] / z.dtype.type(z.shape[-1])
    return float((weights * loss).sum()), (weights * slope).astype(z.dtype)
