"""From the config's `model:` and the data's sizes to a network."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from rnnexp.config.schema.model import Model
from rnnexp.data.dataset import Dataset, Tokens, Values
from rnnexp.layers.attention import Attention
from rnnexp.layers.direction import Direction, HiddenDirection
from rnnexp.layers.encoder_decoder import CopyBridge, Decoder, EncoderDecoder, LinearBridge
from rnnexp.layers.encoder_decoder_plan import (
    decoder_of,
    final_size,
    readout_inputs,
    readout_size,
    writer_of,
)
from rnnexp.layers.init import initialise, initialise_output
from rnnexp.layers.network import Bridge, Network, OneHot
from rnnexp.layers.output_direction import OutputDirection
from rnnexp.layers.shape_plan import STATES, encoded_size, output_sizes, return_sequences
from rnnexp.layers.stack import RecurrentLayer, Stack

__all__ = ["build_encoder_decoder", "build_network"]


def build_network(model: Model, dataset: Dataset, conditioning: str | None = None) -> Network:
    """The network of an experiment, freshly initialised from torch's random state."""
    steps = dataset.outputs if conditioning else dataset.inputs
    encode, input_size = _encoder(steps, model.embedding), encoded_size(steps, model.embedding)
    condition = _encoder(dataset.inputs, None) if conditioning else None
    if conditioning == "every_step":
        input_size += dataset.inputs.size
    returns = return_sequences(len(model.hidden_sizes), dataset.shape)
    if model.recurrence != "hidden_to_hidden":
        stack = _output_stack(model, input_size, dataset.outputs, returns)
        return Network(encode, stack, nn.Identity(), condition)
    stack = _stack(model, input_size, returns)
    head = nn.Linear(stack.output_size, dataset.outputs.size)
    nn.init.xavier_uniform_(head.weight)
    nn.init.zeros_(head.bias)
    if model.tied_embedding and isinstance(encode, nn.Embedding):
        head.weight = encode.weight
    bridge = None
    if conditioning == "initial_state":
        bridge = Bridge(dataset.inputs.size, model.hidden_sizes, len(STATES[model.cell]))
    return Network(encode, stack, head, condition, bridge)


def build_encoder_decoder(model: Model, dataset: Dataset) -> EncoderDecoder:
    """The network of a delayed many-to-many, freshly initialised from torch's random state."""
    encode = _encoder(dataset.inputs, model.embedding)
    size = encoded_size(dataset.inputs, model.embedding)
    layers = len(model.hidden_sizes)
    stack = _stack(model, size, (True,) * layers)
    bridge = _bridge(model)
    return EncoderDecoder(encode, stack, bridge, _decoder(model, dataset.outputs, stack))


def _bridge(model: Model) -> nn.Module | None:
    writer = writer_of(model)
    kind = decoder_of(model).bridge
    if kind == "zero":
        return None
    if kind == "copy":
        return CopyBridge(model.merge or "concat")
    return LinearBridge(final_size(model), writer.hidden_sizes, len(STATES[model.cell]))


def _decoder(model: Model, outputs: Values | Tokens, encoder: Stack) -> Decoder:
    settings, writer = decoder_of(model), writer_of(model)
    hidden, size = writer.hidden_sizes[-1], readout_size(model)
    attention = None
    if settings.attention != "none":
        attention = Attention(settings.attention, hidden, encoder.output_size)
    read = readout_inputs(model)
    readout = None if read is None else nn.Linear(read, size)
    embed, head = _encoder(outputs, writer.embedding), nn.Linear(size, outputs.size)
    for linear in (head,) if readout is None else (readout, head):
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)
    if settings.tied_embedding and isinstance(embed, nn.Embedding):
        head.weight = embed.weight
    input_size = encoded_size(outputs, writer.embedding) + (size if settings.input_feeding else 0)
    stack = _stack(writer, input_size, (True,) * len(writer.hidden_sizes))
    feeding, dropout = settings.input_feeding, settings.dropout
    return Decoder(embed, stack, attention, readout, head, feeding, dropout)


def _encoder(spec: Values | Tokens, embedding: int | None) -> nn.Module:
    if isinstance(spec, Values):
        return nn.Identity()
    if embedding is None:
        return OneHot(spec.size)
    table = nn.Embedding(spec.size, embedding)
    nn.init.normal_(table.weight, std=embedding**-0.5)
    return table


def _stack(model: Model, input_size: int, returns: tuple[bool, ...]) -> Stack:
    width = 2 if model.bidirectional and model.merge in (None, "concat") else 1
    sizes = (input_size, *(width * hidden for hidden in model.hidden_sizes))
    layers = [
        RecurrentLayer(
            _direction(model, size, hidden),
            _direction(model, size, hidden) if model.bidirectional else None,
            model.merge or "concat",
            returned,
        )
        for (size, _), hidden, returned in zip(
            pairwise(sizes), model.hidden_sizes, returns, strict=True
        )
    ]
    return Stack(layers, model.dropout)


def _direction(model: Model, input_size: int, hidden_size: int) -> Direction:
    direction = HiddenDirection(
        model.cell,
        input_size,
        hidden_size,
        model.activation or "tanh",
        model.layer_norm,
        model.recurrent_dropout,
        model.initial_state == "learned",
    )
    initialise(direction, model.init, 1.0 if model.forget_bias is None else model.forget_bias)
    return direction


def _output_stack(
    model: Model, input_size: int, outputs: Values | Tokens, returns: tuple[bool, ...]
) -> Stack:
    """Layers that feed their output back: tanh inside, the network's own output on top."""
    sizes = output_sizes(model, outputs)
    top_function = "identity" if isinstance(outputs, Values) else "softmax"
    layers = []
    for number, (hidden, size, returned) in enumerate(
        zip(model.hidden_sizes, sizes, returns, strict=True), start=1
    ):
        top = number == len(sizes)
        direction = OutputDirection(
            model.recurrence,
            input_size,
            hidden,
            size,
            model.activation or "tanh",
            top_function if top else "tanh",
            logits=top,
        )
        initialise_output(direction, model.init)
        layers.append(RecurrentLayer(direction, None, "concat", returned))
        input_size = size
    return Stack(layers, model.dropout)
