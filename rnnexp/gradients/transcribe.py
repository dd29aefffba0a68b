"""From a network of torch modules to the same network as plain arrays, and back by name.

This is the only place that knows both sides. Nothing of a layer's arithmetic crosses it: only
weights, sizes and settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from rnnexp.layers.direction import Direction
from rnnexp.layers.network import Network, OneHot
from rnnexp.layers.stack import RecurrentLayer
from rnnexp.manual import hand_network as by_hand
from rnnexp.manual.hand_cells import (
    Array,
    Cell,
    GruCell,
    LstmCell,
    OutputToHiddenCell,
    OutputToOutputCell,
    RnnCell,
)

__all__ = ["parameters", "transcribe"]

ToArray = Callable[[Tensor], Array]

SYMBOLS = {
    "rnn.weight_ih_l0": "W_xh",
    "rnn.weight_hh_l0": "W_hh",
    "rnn.bias_ih_l0": "b_xh",
    "rnn.bias_hh_l0": "b_hh",
    "rnn.weight_oh_l0": "W_oh",
    "rnn.bias_oh_l0": "b_oh",
    "rnn.weight_ho_l0": "W_ho",
    "rnn.bias_o_l0": "b_o",
    "rnn.weight_oo_l0": "W_oo",
    "norm_x.weight": "gain_x",
    "norm_x.bias": "shift_x",
    "norm_h.weight": "gain_h",
    "norm_h.bias": "shift_h",
    "norm_c.weight": "gain_c",
    "norm_c.bias": "shift_c",
    "initial": "s_0",
}
BLOCKED = {"W_xh", "W_hh", "b_xh", "b_hh", "gain_x", "shift_x", "gain_h", "shift_h"}
"""the parameters whose rows are blocks of gates"""


@dataclass(frozen=True)
class Parameter:
    """A trained tensor: its name in the state_dict, and its place and symbol in the equations.

    label: `layer 1 W_hh`. parts: the gradients by hand that add up to its own (two where it is
    tied). gates: names of its blocks of rows, empty where it has none.
    """

    name: str
    label: str
    parts: tuple[str, ...]
    gates: tuple[str, ...] = ()


def transcribe(network: Network, dtype: type[np.floating]) -> by_hand.Network:
    """The network as arrays of `dtype`, float32 or float64."""

    def array(tensor: Tensor) -> Array:
        copied: Array = tensor.detach().cpu().numpy().astype(dtype)
        return copied

    encode, head = network.encode, network.head
    layers = [layer for layer in network.stack.layers if isinstance(layer, RecurrentLayer)]
    condition = network.encode_condition
    bridge = None
    if network.bridge is not None:
        linear = network.bridge.linear
        bridge = by_hand.Bridge(array(linear.weight), array(linear.bias))
    W_ho, b_o = (head.weight, head.bias) if isinstance(head, nn.Linear) else (None, None)
    return by_hand.Network(
        layers=tuple(_layer(layer, array) for layer in layers),
        W_ho=None if W_ho is None else array(W_ho),
        b_o=None if b_o is None else array(b_o),
        embedding=array(encode.weight) if isinstance(encode, nn.Embedding) else None,
        one_hot=encode.size if isinstance(encode, OneHot) else None,
        bridge=bridge,
        condition_one_hot=condition.size if isinstance(condition, OneHot) else None,
        pooling=network.pooling,
        dtype=dtype,
    )


def _layer(layer: RecurrentLayer, array: ToArray) -> by_hand.Layer:
    readers = [layer.forward_reader, layer.backward_reader]
    return by_hand.Layer(
        tuple(_reader(reader, array) for reader in readers if reader is not None),
        layer.merge,
        layer.return_sequences,
    )


def _reader(direction: Direction, array: ToArray) -> by_hand.Reader:
    weights = {SYMBOLS[name]: array(value) for name, value in direction.named_parameters()}
    initial = weights.pop("s_0", None)
    return by_hand.Reader(
        cell_of(direction), weights, None if initial is None else initial.reshape(-1)
    )


def cell_of(direction: Direction) -> Cell:
    """The cell that the direction's settings ask for."""
    if direction.recurrence != "hidden_to_hidden":
        return _output_cell(direction)
    if direction.cell == "lstm":
        return LstmCell(direction.hidden_size)
    if direction.cell == "gru":
        return GruCell(direction.hidden_size)
    return RnnCell(direction.hidden_size, direction.activation)


def _output_cell(direction: Direction) -> Cell:
    output_to_hidden = direction.recurrence == "output_to_hidden"
    rnn: Any = direction.rnn
    return (OutputToHiddenCell if output_to_hidden else OutputToOutputCell)(
        rnn.output_size, direction.activation, rnn.output_nonlinearity, direction.logits
    )


def parameters(network: Network) -> Iterator[Parameter]:
    """Every trained tensor of the network, in the order of its `state_dict`; no frozen one."""
    tied = isinstance(network.encode, nn.Embedding) and isinstance(network.head, nn.Linear)
    tied = tied and network.encode.weight is network.head.weight
    for name, tensor in network.named_parameters():
        if not tensor.requires_grad:
            continue
        place, _, rest = name.partition(".")
        if place == "encode":
            parts = ("embedding", "output W_ho") if tied else ("embedding",)
            yield Parameter(name, "embedding" + (" = W_ho" if tied else ""), parts)
        elif place == "head":
            label = "output " + ("W_ho" if rest == "weight" else "b_o")
            yield Parameter(name, label, (label,))
        elif place == "bridge":
            label = "bridge " + ("W_cs" if rest.endswith("weight") else "b_s")
            yield Parameter(name, label, (label,))
        else:
            yield _in_stack(network, name)


def _in_stack(network: Network, name: str) -> Parameter:
    """`stack.layers.0.backward_reader.rnn.weight_hh_l0` -> `layer 1 backward W_hh`."""
    _, _, index, reader, rest = name.split(".", 4)
    symbol = SYMBOLS[rest]
    back = " backward" if reader == "backward_reader" else ""
    label = f"layer {int(index) + 1}{back} {symbol}"
    direction = network.get_submodule(name.removesuffix("." + rest))
    assert isinstance(direction, Direction)
    gates = cell_of(direction).gates
    blocked = symbol in BLOCKED and len(gates) > 1
    return Parameter(name, label, (label,), gates if blocked else ())
