"""The same forward and backward pass twice: by the layers, and by hand.

Shape letters: T time, B sequences, H hidden, O output. Both sides deliver the same labels, so that
they can be laid side by side: `layer 1 h` (T, H) of each sequence at its own length, `output o`,
`loss L`, and for every trained tensor its gradient under its label (`layer 1 W_hh`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnnexp.layers.direction import Direction
from rnnexp.layers.network import Network
from rnnexp.manual.norm import Array
from rnnexp.manual.output_cells import OutputCell
from rnnexp.tasks.task import Task
from rnnexp.verification.probe import Probe, loss_by_hand, output_of
from rnnexp.verification.transcribe import parameters, transcribe

__all__ = ["Computed", "by_hand", "by_layers", "directions"]


@dataclass
class Computed:
    """What one side computed: activations of each sequence by label, gradients by label."""

    forward: dict[str, list[Array]] = field(default_factory=dict)
    gradients: dict[str, Array] = field(default_factory=dict)


def by_hand(network: Network, task: Task, probe: Probe, dtype: type[np.floating[Any]]) -> Computed:
    """The equations on every sequence alone, in `dtype`, with the network's weights.

    What is too large for `dtype` is infinite, and NaN where infinities meet.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return _by_hand(network, task, probe, dtype)


def _by_hand(network: Network, task: Task, probe: Probe, dtype: type[np.floating[Any]]) -> Computed:
    written, computed = transcribe(network, dtype), Computed()
    summed: dict[str, Array] = {}
    loss, count = 0.0, dtype(probe.batch.count)
    for sequence in probe.sequences(dtype):
        run = written.forward(sequence.inputs, sequence.condition, sequence.teacher)
        assert run.output is not None
        loss_b, d_output = loss_by_hand(task.objective, run.output, sequence)
        loss += loss_b / probe.batch.count
        for number, (layer, values) in enumerate(zip(written.layers, run.values, strict=True), 1):
            for place, reader, a in zip(layer.places(number), layer.readers, values, strict=True):
                _append(computed, f"{place} {symbol_of(reader.cell)}", a["y"])
        _append(computed, "output o", run.output)
        for label, gradient in written.backward(run, d_output / count).items():
            summed[label] = summed.get(label, 0) + gradient
    _append(computed, "loss L", np.array([loss], dtype))
    for parameter in parameters(network):
        whole: Array = np.asarray(sum(summed[part] for part in parameter.parts))
        computed.gradients[parameter.label] = whole
    return computed


def by_layers(network: Network, task: Task, probe: Probe) -> Computed:
    """The layers and autograd on the padded batch; the network is left without gradients."""
    computed, batch, device = Computed(), probe.batch, next(network.parameters()).device
    network.zero_grad(set_to_none=True)
    with _watched(network) as seen:
        placed = probe.on(device).batch
        output = output_of(network, placed)
    loss = task.loss(output, placed) / batch.count
    loss.backward()  # type: ignore[no-untyped-call]
    for label, y_TBH in seen:
        computed.forward[label] = [_array(y_TBH[:n, b]) for b, n in enumerate(probe.lengths)]
    computed.forward["output o"] = [
        _array(output[:n, b] if probe.stepwise else output[b]) for b, n in enumerate(probe.lengths)
    ]
    computed.forward["loss L"] = [_array(loss.reshape(1))]
    tensors = dict(network.named_parameters())
    for parameter in parameters(network):
        tensor = tensors[parameter.name]
        gradient = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
        computed.gradients[parameter.label] = _array(_flat_state(parameter.label, gradient))
    network.zero_grad(set_to_none=True)
    return computed


def directions(network: Network) -> Iterator[tuple[str, Direction]]:
    """Every direction of every layer with its place: `layer 1`, `layer 1 backward`."""
    for name, module in network.named_modules():
        if isinstance(module, Direction):
            _, _, index, reader = name.split(".")
            back = " backward" if reader == "backward_reader" else ""
            yield f"layer {int(index) + 1}{back}", module


@contextmanager
def _watched(network: Network) -> Iterator[list[tuple[str, Tensor]]]:
    """Collects the output (T, B, H) of every direction, each in its own order of time."""
    seen: list[tuple[str, Tensor]] = []
    handles = []
    for place, direction in directions(network):
        symbol = "h" if direction.recurrence == "hidden_to_hidden" else "o"

        def keep(_: Any, __: Any, result: Any, label: str = f"{place} {symbol}") -> None:
            seen.append((label, result[0]))

        handles.append(direction.register_forward_hook(keep))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def symbol_of(cell: Any) -> str:
    """What a cell's output is called in the equations."""
    return "o" if isinstance(cell, OutputCell) else "h"


def _append(computed: Computed, label: str, values: Array) -> None:
    computed.forward.setdefault(label, []).append(values)


def _flat_state(label: str, gradient: Tensor) -> Tensor:
    """A learned initial state is one vector (S,) in the equations, (states, H) in the layers."""
    return gradient.reshape(-1) if label.endswith(" s_0") else gradient


def _array(tensor: Tensor) -> Array:
    array: Array = tensor.detach().cpu().numpy()
    return array
