"""Layers on layers by hand: one network, one sequence (or several of one length) at a time.

Shape letters: T time, I input, H hidden, S state, O output, V vocabulary, C condition; `...` is
nothing for a sequence alone, or a batch of sequences of one length. There is no padding here: that
a layer agrees on padded batches shows that padding changes nothing.

Gradients are named by place and symbol: `layer 2 W_hh`, `layer 1 backward W_xh`, `output W_ho`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from rnnexp.manual.cells import Cell, outer, summed
from rnnexp.manual.norm import Array, Values, Weights
from rnnexp.manual.output_cells import OutputCell
from rnnexp.manual.pooling import pooled, pooled_gradient
from rnnexp.manual.unroll import Gradients, Teacher, double_sum, unroll

__all__ = ["Activations", "Bridge", "Layer", "Network", "Reader", "ReaderSum"]


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
