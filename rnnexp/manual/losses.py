"""The losses by hand: their sum over the targets that count, and its derivative by the output.

Shape letters: O output features or classes; `...` leading axes (none, or time).
"""

from __future__ import annotations

import numpy as np

from rnnexp.manual.norm import Array

__all__ = ["cross_entropy", "regression"]


def cross_entropy(
    z: Array,
    target: Array,
    counts: Array,
    class_weights: Array | None = None,
    label_smoothing: float = 0.0,
) -> tuple[float, Array]:
    """L = -sum of q_c w_c log softmax(z)_c: dL/dz = softmax(z) sum(q w) - q w.

    q is 1 for the target and 0 for the other classes, with label smoothing e instead
    (1 - e) q + e/O. z (..., O), target (...) class numbers, counts (...) 1 where a target counts.
    """
    shifted = z - z.max(-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    one_hot, classes = np.eye(z.shape[-1], dtype=z.dtype)[target], z.shape[-1]
    q = (1 - z.dtype.type(label_smoothing)) * one_hot + z.dtype.type(label_smoothing / classes)
    w = counts[..., None] * (q if class_weights is None else q * class_weights)
    return float(-(w * log_p).sum()), np.exp(log_p) * w.sum(-1, keepdims=True) - w


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
