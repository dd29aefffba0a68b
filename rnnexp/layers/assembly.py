"""Pre-trained vectors into the embedding of a network that was just built."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from rnnexp.config.model_settings import Init, Model
from rnnexp.config.schema import Experiment as Settings
from rnnexp.data.dataset import Ends, Image, Spec, Tokens, Values, Vectors, Words
from rnnexp.layers.attention import Attention
from rnnexp.layers.direction import Direction, HiddenDirection
from rnnexp.layers.encoder_decoder import (
    AnyNetwork,
    CopyBridge,
    Decoder,
    EncoderDecoder,
    LinearBridge,
)
from rnnexp.layers.encoders import ImageEncoder, WordDropout, WordEncoder
from rnnexp.layers.network import Bridge, Dropouts, Network, OneHot
from rnnexp.layers.output_recurrence import OutputDirection
from rnnexp.layers.shapes import (
    GATES,
    STATES,
    condition_size,
    decoder_of,
    encoded_size,
    final_size,
    output_sizes,
    pooling_of,
    readout_inputs,
    readout_size,
    return_sequences,
    writer_of,
)
from rnnexp.layers.stack import RecurrentLayer, Stack

__all__ = [
    "build",
    "build_encoder_decoder",
    "build_network",
    "initialise",
    "set_vectors",
    "spectral_radius",
]


# How recurrent weights start. Blocks of gates are initialised gate by gate.
#
# Sources: orthogonal, Saxe 2014; identity (IRNN), Le, Jaitly, Hinton 2015; forget-gate bias,
# Jozefowicz 2015; chrono, Tallec and Ollivier 2018; Glorot 2010.


@torch.no_grad()
def initialise(
    direction: HiddenDirection,
    init: Init,
    forget_bias: float | Literal["chrono"] = 1.0,
    time_steps: int = 2,
) -> None:
    """Overwrite the weights and biases of one direction in place.

    Biases start at 0, the LSTM's forget gate at `forget_bias` (all of it in b_ih). With `chrono`
    each unit keeps its state for about as many steps as it draws, U ~ uniform(1, T - 1): b_f =
    log U and b_i = -b_f in an LSTM; b_z = log U in a GRU, where z is the share that is kept.
    """
    gates = GATES[direction.cell]
    W_xh_GI, W_hh_GH, b_xh_G, b_hh_G = direction.weights
    if init.input == "glorot":
        for block_HI in W_xh_GI.chunk(len(gates)):
            nn.init.xavier_uniform_(block_HI)
    for block_HH in W_hh_GH.chunk(len(gates)):
        _recurrent(block_HH, init)
    nn.init.zeros_(b_xh_G)
    nn.init.zeros_(b_hh_G)
    blocks = dict(zip(gates, b_xh_G.chunk(len(gates)), strict=True))
    if forget_bias == "chrono":
        _chrono(blocks, time_steps)
    elif direction.cell == "lstm":
        blocks["f"].fill_(forget_bias)


def _chrono(biases: dict[str, Tensor], time_steps: int) -> None:
    kept = biases["f" if "f" in biases else "z"]
    kept.uniform_(1, max(time_steps - 1, 1)).log_()
    if "f" in biases:
        biases["i"].copy_(-kept)


@torch.no_grad()
def initialise_output(direction: OutputDirection, init: Init) -> None:
    """The same for a layer that feeds its output back; W_ho starts as an output layer does.

    `init.recurrent` acts on the matrix that reads o_{t-1}: W_oo (O, O), or W_oh (H, O).
    """
    weights = dict(direction.rnn.named_parameters())
    if init.input == "glorot":
        nn.init.xavier_uniform_(weights["weight_ih_l0"])
    output_to_output = direction.recurrence == "output_to_output"
    _recurrent(weights["weight_oo_l0" if output_to_output else "weight_oh_l0"], init)
    nn.init.xavier_uniform_(weights["weight_ho_l0"])
    for name, value in weights.items():
        if name.startswith("bias"):
            nn.init.zeros_(value)


def _recurrent(block_HH: Tensor, init: Init) -> None:
    if init.recurrent == "orthogonal":
        nn.init.orthogonal_(block_HH)
    elif init.recurrent == "identity":
        nn.init.eye_(block_HH)
    elif init.recurrent == "glorot":
        nn.init.xavier_uniform_(block_HH)
    elif init.recurrent == "spectral_radius":
        block_HH.normal_()
        block_HH.mul_((init.spectral_radius or 1.0) / spectral_radius(block_HH))


def spectral_radius(W_HH: Tensor) -> float:
    """The largest absolute eigenvalue of a square matrix."""
    return float(torch.linalg.eigvals(W_HH.double()).abs().max())


# From the config's `model:` and the data's sizes to a network.


def build(settings: Settings, ends: Ends) -> AnyNetwork:
    """The network that an experiment asks for, of either kind."""
    if ends.shape == "delayed":
        return build_encoder_decoder(settings.model, ends)
    return build_network(settings.model, ends, getattr(settings.task, "conditioning", None))


def build_network(model: Model, ends: Ends, conditioning: str | None = None) -> Network:
    """The network of an experiment, freshly initialised from torch's random state."""
    steps = ends.outputs if conditioning else ends.inputs
    encode, input_size = _reader(steps, model), encoded_size(steps, model)
    condition = _condition_encoder(model, ends.inputs) if conditioning else None
    if conditioning == "every_step":
        input_size += condition_size(model, ends.inputs)
    pooling = pooling_of(model, ends.shape)
    returns = return_sequences(len(model.hidden_sizes), ends.shape, pooling)
    dropouts = _dropouts(model, steps)
    if model.recurrence != "hidden_to_hidden":
        stack = _output_stack(model, input_size, ends.outputs, returns)
        return Network(encode, stack, nn.Identity(), condition, dropouts=dropouts)
    stack = _stack(model, input_size, returns, ends.time_steps)
    head = nn.Linear(stack.output_size, ends.outputs.size)
    nn.init.xavier_uniform_(head.weight)
    nn.init.zeros_(head.bias)
    if model.tied_embedding and isinstance(encode, nn.Embedding):
        head.weight = encode.weight
    bridge = None
    if conditioning == "initial_state":
        size = condition_size(model, ends.inputs)
        bridge = Bridge(size, model.hidden_sizes, len(STATES[model.cell]))
    return Network(encode, stack, head, condition, bridge, pooling, dropouts)


def build_encoder_decoder(model: Model, ends: Ends) -> EncoderDecoder:
    """The network of a delayed many-to-many, freshly initialised from torch's random state."""
    encode, size = _reader(ends.inputs, model), encoded_size(ends.inputs, model)
    stack = _stack(model, size, (True,) * len(model.hidden_sizes), ends.time_steps)
    return EncoderDecoder(encode, stack, _bridge(model), _decoder(model, ends, stack))


def _bridge(model: Model) -> nn.Module | None:
    writer = writer_of(model)
    kind = decoder_of(model).bridge
    if kind == "zero":
        return None
    if kind == "copy":
        return CopyBridge(model.merge or "concat")
    return LinearBridge(final_size(model), writer.hidden_sizes, len(STATES[model.cell]))


def _decoder(model: Model, ends: Ends, encoder: Stack) -> Decoder:
    settings, writer, outputs = decoder_of(model), writer_of(model), ends.outputs
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
    input_size = encoded_size(outputs, writer) + (size if settings.input_feeding else 0)
    returns = (True,) * len(writer.hidden_sizes)
    stack = _stack(writer, input_size, returns, ends.time_steps)
    feeding, dropout = settings.input_feeding, settings.dropout
    return Decoder(embed, stack, attention, readout, head, feeding, dropout)


def _dropouts(model: Model, steps: Spec) -> Dropouts:
    words = None
    if model.word_dropout:
        vocabulary = steps.vocabulary if isinstance(steps, Tokens) else None
        assert vocabulary is not None and vocabulary.unknown is not None, "was not checked"
        words = WordDropout(model.word_dropout, vocabulary.unknown)
    return Dropouts(words, model.input_dropout, model.output_dropout)


def _reader(steps: Spec, model: Model) -> nn.Module:
    """What turns the steps into numbers; a frozen embedding is no longer trained."""
    encode = _encoder(steps, model.embedding)
    if model.pretrained is not None and model.pretrained.frozen:
        encode.requires_grad_(False)
    if model.characters is None or not isinstance(steps, Words):
        return encode
    assert isinstance(encode, nn.Embedding)
    return WordEncoder(encode, len(steps.spelling.characters), model.characters)


def _condition_encoder(model: Model, condition: Values | Tokens | Image) -> nn.Module:
    if not isinstance(condition, Image):
        return _encoder(condition, None)
    if model.image_encoder is None:
        return nn.Flatten()
    return ImageEncoder(model.image_encoder, condition)


def _encoder(spec: Values | Tokens | Image, embedding: int | None) -> nn.Module:
    if not isinstance(spec, Tokens):
        return nn.Identity()
    if embedding is None:
        return OneHot(spec.size)
    table = nn.Embedding(spec.size, embedding)
    nn.init.normal_(table.weight, std=embedding**-0.5)
    return table


def _stack(model: Model, input_size: int, returns: tuple[bool, ...], time_steps: int) -> Stack:
    width = 2 if model.bidirectional and model.merge in (None, "concat") else 1
    sizes = (input_size, *(width * hidden for hidden in model.hidden_sizes))
    layers = [
        RecurrentLayer(
            _direction(model, size, hidden, time_steps),
            _direction(model, size, hidden, time_steps) if model.bidirectional else None,
            model.merge or "concat",
            returned,
        )
        for (size, _), hidden, returned in zip(
            pairwise(sizes), model.hidden_sizes, returns, strict=True
        )
    ]
    return Stack(layers, model.dropout)


def _direction(model: Model, input_size: int, hidden_size: int, time_steps: int) -> Direction:
    direction = HiddenDirection(
        model.cell,
        input_size,
        hidden_size,
        model.activation or "tanh",
        model.layer_norm,
        model.recurrent_dropout,
        model.initial_state == "learned",
    )
    forget_bias = 1.0 if model.forget_bias is None else model.forget_bias
    initialise(direction, model.init, forget_bias, time_steps)
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


# Pre-trained vectors into the embedding of a network that was just built.


@torch.no_grad()
def set_vectors(network: AnyNetwork, vectors: Vectors) -> None:
    """Overwrite the rows of the tokens that have a vector; the others stay as they were drawn."""
    table = network.encode
    if isinstance(table, WordEncoder):
        table = table.embedding
    assert isinstance(table, nn.Embedding)
    table.weight[torch.from_numpy(vectors.ids)] = torch.from_numpy(vectors.values)
