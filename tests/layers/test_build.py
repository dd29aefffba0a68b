"""The built network has the shapes and sizes that the shape plan promises."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rnnexp.config.schema.model import Model
from rnnexp.data.batches import Batches
from rnnexp.layers.build import build_network
from rnnexp.layers.network import OneHot
from rnnexp.layers.shape_plan import plan_layers, return_sequences

MODELS: list[dict[str, Any]] = [
    {"cell": "rnn", "activation": "relu", "hidden_sizes": (5,)},
    {"cell": "lstm", "hidden_sizes": (5, 4, 3), "layer_norm": True},
    {"cell": "gru", "hidden_sizes": (5, 4), "initial_state": "learned"},
    {"cell": "lstm", "hidden_sizes": (5, 4), "bidirectional": True},
    {"cell": "gru", "hidden_sizes": (5, 4), "bidirectional": True, "merge": "mean"},
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


def test_every_layer_but_the_last_returns_its_sequence() -> None:
    assert return_sequences(3, "many_to_one") == (True, True, False)
    assert return_sequences(3, "many_to_many") == (True, True, True)
    assert return_sequences(1, "one_to_many") == (True,)


def test_one_seed_one_network(make_dataset: Any) -> None:
    dataset, weights = make_dataset("many_to_one"), []
    for seed in (4, 4, 5):
        torch.manual_seed(seed)
        weights.append(
            torch.cat([p.flatten() for p in build_network(Model(), dataset).parameters()])
        )
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
