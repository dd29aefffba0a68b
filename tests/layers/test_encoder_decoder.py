"""The encoder-decoder: padding, the two ways through the decoder, sizes, bridges, attention."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rnnexp.config.model_settings import Model
from rnnexp.data.batches import Batch, Batches, condition_of
from rnnexp.data.dataset import Dataset, Sequences, Tokens
from rnnexp.layers.assembly import build_encoder_decoder
from rnnexp.layers.attention import Attention, Kind
from rnnexp.layers.encoder_decoder import CopyBridge, EncoderDecoder
from rnnexp.layers.padding import valid
from rnnexp.layers.shapes import plan_encoder_decoder

# What differs between two orders of the same float32 sums of a dozen terms of order 1.
CLOSE: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-5}  # the order of float32 sums is the shape's
SOURCES, TARGETS = 7, 6


def delayed(examples: int = 5, source: int = 6, target: int = 4, ragged: bool = True) -> Dataset:
    """Random sources and targets of random lengths."""
    rng = np.random.default_rng(0)
    inputs = rng.integers(SOURCES, size=(examples, source))
    targets = rng.integers(1, TARGETS, size=(examples, target))
    lengths = rng.integers(1, target + 1, examples) if ragged else None
    sources = rng.integers(1, source + 1, examples) if ragged else None
    split = Sequences(inputs, targets, lengths, sources)
    encodings = {"inputs": Tokens(SOURCES), "outputs": Tokens(TARGETS, end=0)}
    return Dataset("test", "delayed", split, split, split, **encodings)  # type: ignore[arg-type]


def settings(decoder: dict[str, Any] | None = None, **model: Any) -> Model:
    defaults = {"cell": "lstm", "hidden_sizes": (6,), "embedding": 5, "decoder": decoder or {}}
    return Model.model_validate(defaults | model)


def made(model: Model, dataset: Dataset) -> EncoderDecoder:
    torch.manual_seed(0)
    return build_encoder_decoder(model, dataset).eval()


def outputs(network: EncoderDecoder, batch: Batch) -> torch.Tensor:
    scores, _ = network(batch.inputs, None, batch.lengths, condition_of(batch))
    result: torch.Tensor = scores
    return result


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize(
    ("decoder", "model"),
    [
        ({"attention": "additive"}, {"bidirectional": True}),
        ({"attention": "general", "input_feeding": True}, {"layer_norm": True}),
        ({"attention": "none", "bridge": "copy"}, {"bidirectional": True, "merge": "sum"}),
        ({"attention": "none"}, {"bidirectional": True, "hidden_sizes": (4, 6)}),
    ],
)
def test_padding_changes_nothing(cell: str, decoder: dict[str, Any], model: dict[str, Any]) -> None:
    """Each example alone, at its own lengths, gets the scores that it gets in the padded batch."""
    dataset = delayed()
    network = made(settings(decoder, cell=cell, **model), dataset)
    batches = Batches(dataset, "train", 5, seed=0)
    batch = batches.take(np.arange(5))
    together = outputs(network, batch)
    owners = valid(torch.arange(5).expand(len(batch.inputs), 5), batch.lengths)
    for row in range(5):
        alone = outputs(network, batches.take(np.array([row])))
        torch.testing.assert_close(together[owners == row], alone, **CLOSE)


@pytest.mark.parametrize("attention", ["none", "dot", "general", "additive"])
def test_the_whole_target_at_once_or_step_by_step(attention: str) -> None:
    dataset = delayed()
    network = made(settings({"attention": attention}, hidden_sizes=(6, 6)), dataset)
    batch = Batches(dataset, "train", 5, seed=0).take(np.arange(5))
    memory, state = network.read(condition_of(batch))  # type: ignore[arg-type]
    whole, _, weights = network.decoder(batch.inputs, state, memory)
    forced = torch.ones(*batch.inputs.shape, 1)
    stepped, _, again = network.decoder(batch.inputs, state, memory, (batch.inputs, forced))
    torch.testing.assert_close(whole, stepped, **CLOSE)
    if attention != "none":
        torch.testing.assert_close(weights, again, **CLOSE)


def test_a_step_that_is_not_forced_reads_the_answer_before_it() -> None:
    dataset = delayed(ragged=False)
    network = made(settings(), dataset)
    batch = Batches(dataset, "train", 5, seed=0).take(np.arange(5))
    memory, state = network.read(condition_of(batch))  # type: ignore[arg-type]
    free = torch.zeros(*batch.inputs.shape, 1)
    readouts, _, _ = network.decoder(batch.inputs, state, memory, (batch.inputs, free))
    answers = network.decoder.score(readouts).argmax(-1)
    read = torch.cat([batch.inputs[:1], answers[:-1]])
    theirs, _, _ = network.decoder(read, state, memory)
    torch.testing.assert_close(readouts, theirs, **CLOSE)


@pytest.mark.parametrize(
    ("cell", "bidirectional", "attention", "feeding", "tied", "bridge"),
    [
        (cell, both, attention, attention != "none" and tied, tied, "linear")
        for cell, both, attention, tied in product(
            ["gru", "lstm"], [False, True], ["none", "general", "additive"], [False, True]
        )
    ]
    + [("lstm", False, "dot", False, False, "copy"), ("rnn", False, "dot", True, False, "zero")],
)
def test_the_plan_counts_the_parameters_of_the_network(  # noqa: PLR0917
    cell: str, bidirectional: bool, attention: str, feeding: bool, tied: bool, bridge: str
) -> None:
    decoder = {
        "attention": attention,
        "input_feeding": feeding,
        "tied_embedding": tied,
        "bridge": bridge,
    }
    model = settings(decoder, cell=cell, bidirectional=bidirectional, initial_state="learned")
    dataset = delayed()
    planned = sum(row.parameters for row in plan_encoder_decoder(model, dataset))
    assert planned == sum(value.numel() for value in made(model, dataset).parameters())


@pytest.mark.parametrize("bridge", ["linear", "copy", "zero"])
def test_every_parameter_gets_a_gradient(bridge: str) -> None:
    dataset = delayed()
    decoder = {"bridge": bridge, "attention": "additive", "input_feeding": True}
    network = made(settings(decoder, initial_state="learned"), dataset)
    batch = Batches(dataset, "train", 5, seed=0).take(np.arange(5))
    outputs(network, batch).square().sum().backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_a_copied_state_is_that_after_the_last_valid_step() -> None:
    dataset = delayed()
    network = made(settings({"bridge": "copy"}), dataset)
    assert isinstance(network.bridge, CopyBridge)
    batch = Batches(dataset, "train", 5, seed=0).take(np.arange(5))
    _, state = network.read(condition_of(batch))  # type: ignore[arg-type]
    assert state.layers is not None and batch.condition is not None
    assert batch.condition_lengths is not None
    for row, length in enumerate(batch.condition_lengths.tolist()):
        x_TBI = network.encode(batch.condition[:length, row : row + 1])
        _, last = network.stack(x_TBI)
        for ours, theirs in zip(state.layers[0], last[0], strict=True):
            torch.testing.assert_close(ours[row : row + 1], theirs, **CLOSE)


@pytest.mark.parametrize("kind", ["dot", "general", "additive"])
def test_attention_as_its_equations(kind: Kind) -> None:
    """One query over three steps, of which the last is padding."""
    torch.manual_seed(0)
    attention = Attention(kind, 4, 4)
    h_SBM, q_TBH = torch.randn(3, 1, 4), torch.randn(1, 1, 4)
    context, weights = attention(q_TBH, attention.remember(h_SBM, torch.tensor([2])))
    q, m = q_TBH[0, 0], h_SBM[:2, 0]
    if kind == "additive":
        assert isinstance(attention.query, nn.Linear) and attention.v is not None
        assert isinstance(attention.key, nn.Linear)
        hidden = attention.query.weight @ q + m @ attention.key.weight.t()
        scores = hidden.tanh() @ attention.v
    elif kind == "general":
        assert isinstance(attention.key, nn.Linear)
        scores = (m @ attention.key.weight.t()) @ q
    else:
        scores = m @ q
    theirs = scores.softmax(0)
    torch.testing.assert_close(weights[0, 0], torch.cat([theirs, torch.zeros(1)]), **CLOSE)
    torch.testing.assert_close(context[0, 0], theirs @ m, **CLOSE)


def test_tied_weights_are_one_tensor() -> None:
    network = made(settings({"tied_embedding": True}), delayed())
    assert isinstance(network.decoder.embed, nn.Embedding)
    assert network.decoder.head.weight is network.decoder.embed.weight
