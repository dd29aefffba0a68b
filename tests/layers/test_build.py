"""The built network has the shapes and sizes that the shape plan promises."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rnnexp.config.model_settings import Characters, Model
from rnnexp.data.batches import Batches
from rnnexp.layers.assembly import build_network
from rnnexp.layers.encoders import WordEncoder
from rnnexp.layers.network import OneHot
from rnnexp.layers.shapes import plan_layers, return_sequences

MODELS: list[dict[str, Any]] = [
    {"cell": "rnn", "activation": "relu", "hidden_sizes": (5,)},
    {"cell": "lstm", "hidden_sizes": (5, 4, 3), "layer_norm": True},
    {"cell": "gru", "hidden_sizes": (5, 4), "initial_state": "learned"},
    {"cell": "lstm", "hidden_sizes": (5, 4), "bidirectional": True},
    {"cell": "gru", "hidden_sizes": (5, 4), "bidirectional": True, "merge": "mean"},
    {"cell": "gru", "hidden_sizes": (5, 4), "pooling": "mean", "forget_bias": "chrono"},
    {"cell": "lstm", "hidden_sizes": (5,), "pooling": "max", "bidirectional": True},
    {"cell": "lstm", "hidden_sizes": (5,), "input_dropout": 0.5, "output_dropout": 0.5},
]


def shape_of(text: str, batch: int) -> list[int]:
    return [batch if part == "B" else int(part) for part in text.strip("()").split(", ")]


SHAPES = ["many_to_one", "many_to_many", "one_to_many"]


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (model, shape)
        for model in MODELS
        for shape in SHAPES
        if not (shape == "one_to_many" and model.get("bidirectional"))  # it is read forwards only
    ],
)
@pytest.mark.parametrize("sizes", [{}, {"classes": 4, "vocabulary": 7}])
@pytest.mark.parametrize("ragged", [False, True])
def test_plan_and_network_agree(
    make_dataset: Any, model: dict[str, Any], shape: str, sizes: dict[str, int], ragged: bool
) -> None:
    dataset = make_dataset(shape, ragged=ragged, **sizes)
    for conditioning in (None,) if shape != "one_to_many" else ("initial_state", "every_step"):
        settings = Model.model_validate(model)
        plan = plan_layers(settings, dataset, conditioning)
        network = build_network(settings, dataset, conditioning)
        expected = sum(parameter.numel() for parameter in network.parameters())
        assert sum(row.parameters for row in plan) == expected
        batch = Batches(dataset, "train", 12, seed=0).take(dataset_rows(dataset))
        output, _ = network(batch.inputs, None, batch.lengths, batch.condition)
        assert list(output.shape)[-1] == shape_of(plan[-1].returns, 12)[-1]
        if not ragged:
            assert list(output.shape) in (
                shape_of(plan[-1].returns, 12),
                [dataset.time_steps, 12, dataset.outputs.size],
            )


def dataset_rows(dataset: Any) -> Any:
    import numpy as np

    return np.arange(len(dataset.train))


def test_embedding_and_tied_output(make_dataset: Any) -> None:
    dataset = make_dataset("many_to_many", classes=7, vocabulary=7)
    tied = Model(hidden_sizes=(5,), embedding=5, tied_embedding=True)
    network = build_network(tied, dataset)
    assert network.head.weight is network.encode.weight
    plan = plan_layers(tied, dataset, None)
    assert sum(row.parameters for row in plan) == sum(p.numel() for p in network.parameters())
    assert isinstance(build_network(Model(), dataset).encode, OneHot)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_words_with_their_characters(make_words: Any, cell: str) -> None:
    dataset = make_words()
    characters = Characters(embedding=3, hidden_size=4, cell=cell)  # type: ignore[arg-type]
    settings = Model(hidden_sizes=(5,), embedding=6, characters=characters)
    network, plan = build_network(settings, dataset), plan_layers(settings, dataset, None)
    assert isinstance(network.encode, WordEncoder)
    assert sum(row.parameters for row in plan) == sum(p.numel() for p in network.parameters())
    batch = Batches(dataset, "train", 12, seed=0).take(dataset_rows(dataset))
    x_TBI = network.encode(batch.inputs)
    assert [12, *x_TBI.shape[::2]] == shape_of(plan[1].returns, 12)
    assert plan[1].reads == f"(B, {dataset.time_steps}, {dataset.inputs.spelling.width})"


def test_the_pool_is_a_row_of_the_plan(make_dataset: Any) -> None:
    dataset = make_dataset("many_to_one", classes=3)
    rows = plan_layers(Model(hidden_sizes=(5,), pooling="max"), dataset, None)
    recurrent, pool, output = rows[-3:]
    assert (recurrent.return_sequences, recurrent.why) == (True, "the pool reads every step")
    assert (pool.name, pool.reads, pool.returns) == ("pool", "(B, 6, 5)", "(B, 5)")
    assert "largest value" in pool.why and output.reads == "(B, 5)"


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_padding_changes_nothing(make_dataset: Any, pooling: str) -> None:
    """Each sequence in a padded batch gets the output that it gets alone at its own length."""
    dataset = make_dataset("many_to_one", classes=3, ragged=True)
    model = Model(hidden_sizes=(5,), bidirectional=True, pooling=pooling)  # type: ignore[arg-type]
    network = build_network(model, dataset)
    batch = Batches(dataset, "train", 12, seed=0).take(dataset_rows(dataset))
    together, _ = network(batch.inputs, None, batch.lengths)
    assert batch.lengths is not None
    for b, length in enumerate(batch.lengths):
        alone, _ = network(batch.inputs[:length, b : b + 1])
        torch.testing.assert_close(together[b : b + 1], alone, atol=1e-6, rtol=0)


def test_dropouts_act_in_training_only(make_words: Any) -> None:
    dataset = make_words()
    batch = Batches(dataset, "train", 12, seed=0).take(dataset_rows(dataset))
    for name in ("input_dropout", "output_dropout", "word_dropout"):
        model = Model.model_validate(
            {"hidden_sizes": (5,), "embedding": 6, "characters": {}} | {name: 0.5}
        )
        network = build_network(model, dataset)
        outputs = [network(batch.inputs)[0] for _ in range(2)]
        assert not torch.equal(*outputs), name
        network.eval()
        outputs = [network(batch.inputs)[0] for _ in range(2)]
        assert torch.equal(*outputs), name


def test_a_frozen_embedding_is_not_trained(make_words: Any) -> None:
    dataset = make_words()
    for spelt in (False, True):
        characters: dict[str, Any] = {"characters": {}} if spelt else {}
        model = {"hidden_sizes": (5,), "embedding": 6, "pretrained": {"path": "v", "frozen": True}}
        settings = Model.model_validate(model | characters)
        network = build_network(settings, dataset)
        frozen = [name for name, p in network.named_parameters() if not p.requires_grad]
        assert frozen == ["encode.embedding.weight" if characters else "encode.weight"]
        plan = plan_layers(settings, dataset, None)
        assert sum(row.parameters for row in plan) == sum(p.numel() for p in network.parameters())


def test_every_layer_but_the_last_returns_its_sequence() -> None:
    assert return_sequences(3, "many_to_one") == (True, True, False)
    assert return_sequences(3, "many_to_many") == (True, True, True)
    assert return_sequences(1, "one_to_many") == (True,)
    assert return_sequences(2, "many_to_one", "mean") == (True, True)


def test_one_seed_one_network(make_dataset: Any) -> None:
    dataset, weights = make_dataset("many_to_one"), []
    for seed in (4, 4, 5):
        torch.manual_seed(seed)
        weights.append(
            torch.cat([p.flatten() for p in build_network(Model(), dataset).parameters()])
        )
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
