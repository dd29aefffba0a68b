"""Layers on layers by hand: one network, one sequence (or several of one length) at a time.

Shape letters: O output features or classes; `...` leading axes (none, or time).
Shape letters: T time, Y outputs of the last layer; `...` is nothing, or a batch of sequences of
one length.
Shape letters: T time, I input, H hidden, S state, O output, V vocabulary, C condition; `...` is
nothing for a sequence alone, or a batch of sequences of one length. There is no padding here:
that
a layer agrees on padded batches shows that padding changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from rnnexp.manual.hand_cells import Array, Cell, OutputCell, Values, Weights, outer, summed
from rnnexp.manual.unroll import Gradients, Teacher, double_sum, unroll

__all__ = [
    "Activations",
    "Bridge",
    "Layer",
    "Network",
    "Reader",
    "ReaderSum",
    "cross_entropy",
    "pooled",
    "pooled_gradient",
    "regression",
]


# The losses by hand: their sum over the targets that count, and its derivative by the output.


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


# One answer from all steps: the pool over time by hand, and its derivative.


def pooled(y: Array, pooling: str) -> Array:
    """y (T, ..., Y) -> (..., Y): the mean or the largest value of each unit; `last` is y itself."""
    if pooling == "last":
        return y
    whole: Array = y.mean(0) if pooling == "mean" else y.max(0)
    return whole


def pooled_gradient(y: Array, d_top: Array, pooling: str) -> Array:
    """dL/dy_t (T, ..., Y) from dL/dtop (..., Y).

    mean: a T-th to every step. max: all of it to the step that is the largest, in equal parts
    where several are.
    """
    if pooling == "last":
        return d_top
    if pooling == "mean":
        return np.broadcast_to(d_top / y.dtype.type(len(y)), y.shape)
    largest: Array = (y == y.max(0)).astype(y.dtype)
    shared: Array = largest * (d_top / largest.sum(0))
    return shared


# Layers on layers by hand: one network, one sequence (or several of one length) at a time.
#
# Gradients are named by place and symbol: `layer 2 W_hh`, `layer 1 backward W_xh`, `output W_ho`.


@dataclass(frozen=True)
class Reader:
    """One direction of one layer. initial: the learned s_0 (S,), None where it is zero."""

    cell: Cell
    weights: Weights
    initial: Array | None = None


@dataclass(frozen=True)
class Layer:
    """One reader, or two whose outputs are joined: `concat`, `sum` or `mean`."""

    readers: tuple[Reader, ...]
    merge: str
    returns_sequence: bool

    def places(self, number: int) -> tuple[str, ...]:
        """What the readers are called: `layer 2`, `layer 2 backward`."""
        return (f"layer {number}", f"layer {number} backward")[: len(self.readers)]


@dataclass(frozen=True)
class Bridge:
    """Every layer's initial state from the condition: s_0 = tanh(W_cs c + b_s), cut in order."""

    W_cs: Array
    b_s: Array


@dataclass
class Activations:
    """What a forward pass computed: per layer and reader all values, and the output at the end.

    sequence: what the last layer returned; top: what is read of it, the same without a pool.
    """

    inputs: Array
    condition: Array | None
    values: list[list[Values]] = field(default_factory=list)
    initial: list[Array] = field(default_factory=list)
    sequence: Array | None = None
    top: Array | None = None
    output: Array | None = None


@dataclass(frozen=True)
class ReaderSum:
    """One reader's double sum: its values, dL/dy_t (T, ..., Y) that reaches it, the gradients."""

    place: str
    reader: Reader
    values: Values
    dy: Array
    gradients: Gradients

    def named(self) -> dict[str, Array]:
        """The gradients by place and symbol, the learned initial state's included."""
        named = {f"{self.place} {symbol}": g for symbol, g in self.gradients.weights.items()}
        if self.reader.initial is not None:
            named[f"{self.place} s_0"] = summed(self.gradients.s_0)
        return named


@dataclass(frozen=True)
class Network:
    """encode -> layers -> pool -> output, as plain arrays.

    embedding (V, I) for tokens, or one_hot V; neither for values. W_ho (O, H) and b_o (O,) are
    None where the top layer feeds its output back and so is the output itself. pooling: `mean` or
    `max` over all steps of what the last layer returns, or `last`, where it is read as it is.
    """

    layers: tuple[Layer, ...]
    W_ho: Array | None = None
    b_o: Array | None = None
    embedding: Array | None = None
    one_hot: int | None = None
    bridge: Bridge | None = None
    condition_one_hot: int | None = None
    pooling: str = "last"
    dtype: type[np.floating] = np.float64

    def forward(
        self, inputs: Array, condition: Array | None = None, teacher: Teacher | None = None
    ) -> Activations:
        """All values for inputs (T, ..., I) or ids (T, ...), condition (..., C) or ids (...)."""
        c = None if condition is None else self._encode_condition(condition)
        run, x = Activations(inputs, c), self._encode(inputs)
        if c is not None and self.bridge is None:
            x = np.concatenate([x, np.broadcast_to(c, (len(x), *c.shape))], axis=-1)
        starts = self._starts(c, x.shape[1:-1])
        for layer, start in zip(self.layers, starts, strict=True):
            forced = teacher if layer is self.layers[-1] else None
            x = self._layer_forward(layer, x, start, forced, run)
        run.sequence, run.top = x, pooled(x, self.pooling)
        run.output = run.top if self.W_ho is None else run.top @ self.W_ho.T + self.b_o
        return run

    def backward(self, run: Activations, d_output: Array) -> dict[str, Array]:
        """dL/dW by place and symbol from dL/doutput (T, ..., O), or (..., O) of the last step."""
        gradients: dict[str, Array] = {}
        if self.W_ho is not None:
            assert run.top is not None
            gradients["output W_ho"] = outer(d_output, run.top)
            gradients["output b_o"] = summed(d_output)
        d_starts, dx = [], d_output
        for sums in self.layer_sums(run, d_output):
            for each in sums:
                gradients |= each.named()
            dx = _joined_inputs([each.gradients.x for each in sums])
            d_starts.append(sums[0].gradients.s_0)
        self._backward_start(run, d_starts[::-1], gradients)
        self._backward_encoding(run, dx, gradients)
        return gradients

    def layer_sums(self, run: Activations, d_output: Array) -> Iterator[list[ReaderSum]]:
        """The double sum of every reader, layer by layer from the top."""
        d_top = d_output if self.W_ho is None else d_output @ self.W_ho
        assert run.sequence is not None
        dy = pooled_gradient(run.sequence, d_top, self.pooling)
        for number in reversed(range(1, len(self.layers) + 1)):
            layer, values = self.layers[number - 1], run.values[number - 1]
            rows = zip(
                layer.places(number), layer.readers, values, _parted(layer, values, dy), strict=True
            )
            sums = [
                ReaderSum(place, reader, a, part, double_sum(reader.cell, reader.weights, a, part))
                for place, reader, a, part in rows
            ]
            yield sums
            dy = _joined_inputs([each.gradients.x for each in sums])

    def _encode(self, inputs: Array) -> Array:
        if self.embedding is not None:
            return self.embedding[inputs]
        if self.one_hot is not None:
            return np.eye(self.one_hot, dtype=self.dtype)[inputs]
        return inputs.astype(self.dtype)

    def _encode_condition(self, condition: Array) -> Array:
        if self.condition_one_hot is None:
            return condition.astype(self.dtype)
        return np.eye(self.condition_one_hot, dtype=self.dtype)[condition]

    def _starts(self, condition: Array | None, leading: tuple[int, ...]) -> list[list[Array]]:
        """s_0 (..., S) of every reader of every layer: bridged, learned, or zero."""
        if condition is not None and self.bridge is not None:
            s = np.tanh(condition @ self.bridge.W_cs.T + self.bridge.b_s)
            sizes = [layer.readers[0].cell.state_size for layer in self.layers]
            return [[part] for part in np.split(s, np.cumsum(sizes)[:-1], axis=-1)]
        return [[self._start(reader, leading) for reader in layer.readers] for layer in self.layers]

    def _start(self, reader: Reader, leading: tuple[int, ...]) -> Array:
        if reader.initial is None:
            return np.zeros((*leading, reader.cell.state_size), dtype=self.dtype)
        return np.broadcast_to(reader.initial, (*leading, reader.cell.state_size))

    def _layer_forward(
        self,
        layer: Layer,
        x: Array,
        starts: list[Array],
        teacher: Teacher | None,
        run: Activations,
    ) -> Array:
        values = []
        for index, (reader, s_0) in enumerate(zip(layer.readers, starts, strict=True)):
            forced = teacher if isinstance(reader.cell, OutputCell) else None
            values.append(unroll(reader.cell, reader.weights, x[:: 1 - 2 * index], s_0, forced))
        run.values.append(values)
        run.initial.append(starts[0])
        if layer.returns_sequence:
            outputs = [a["y"][:: 1 - 2 * index] for index, a in enumerate(values)]
        else:
            outputs = [a["y"][-1] for a in values]
        return _merged(outputs, layer.merge)

    def _backward_start(
        self, run: Activations, d_starts: list[Array], gradients: dict[str, Array]
    ) -> None:
        if self.bridge is None or run.condition is None:
            return
        s = np.concatenate(run.initial, axis=-1)
        dz = np.concatenate(d_starts, axis=-1) * (1 - s**2)
        gradients["bridge W_cs"] = outer(dz, run.condition)
        gradients["bridge b_s"] = summed(dz)

    def _backward_encoding(self, run: Activations, dx: Array, gradients: dict[str, Array]) -> None:
        if self.embedding is None:
            return
        gradient = np.zeros_like(self.embedding)
        np.add.at(gradient, run.inputs, dx[..., : gradient.shape[1]])
        gradients["embedding"] = gradient


def _merged(outputs: list[Array], merge: str) -> Array:
    if len(outputs) == 1:
        return outputs[0]
    if merge == "concat":
        return np.concatenate(outputs, axis=-1)
    both: Array = outputs[0] + outputs[1]
    return both if merge == "sum" else both / 2


def _parted(layer: Layer, values: list[Values], dy: Array) -> list[Array]:
    """dL/dy_t (T, ..., Y) of each reader, in its own order of time."""
    if len(layer.readers) == 1:
        parts = [dy]
    elif layer.merge == "concat":
        parts = list(np.split(dy, 2, axis=-1))
    else:
        parts = [dy if layer.merge == "sum" else dy / 2] * 2
    if layer.returns_sequence:
        return [part[:: 1 - 2 * index] for index, part in enumerate(parts)]
    spread = [np.zeros_like(a["y"]) for a in values]
    for whole, part in zip(spread, parts, strict=True):
        whole[-1] = part
    return spread


def _joined_inputs(dx: list[Array]) -> Array:
    """dL/dx (T, ..., I) of a layer from its readers', the second one's turned round."""
    return dx[0] if len(dx) == 1 else dx[0] + dx[1][::-1]
