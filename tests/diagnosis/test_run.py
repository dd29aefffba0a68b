"""Clipping, truncation, order: what a run and its data say about the gradient."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from rnnexp.config.model_settings import Model
from rnnexp.config.training_settings import Truncated
from rnnexp.data.batches import Batches
from rnnexp.gradients.order import data_order, model_order, shuffled
from rnnexp.gradients.probe import Probe
from rnnexp.gradients.truncation import clipping_of, truncation_bias
from rnnexp.layers.assembly import build_network
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.objective import Classification
from rnnexp.training.experiment import assemble


def line(step: int, norm: float, largest: float, **more: float) -> dict[str, float]:
    return {"step": step, "grad_norm": norm, "grad_norm_max": largest} | more


def test_clipping_weighs_lines_by_their_updates() -> None:
    records = [
        line(10, 1.0, 2.0, clipped=0.5, clip_threshold=1.5),
        {"step": 10, "val/loss": 1.0},
        line(12, 4.0, 6.0, clipped=1.0, clip_threshold=1.5),
    ]
    found = clipping_of(records)
    assert found is not None
    assert found.updates == 12
    assert found.mean_norm == pytest.approx((10 * 1.0 + 2 * 4.0) / 12)
    assert found.share == pytest.approx((10 * 0.5 + 2 * 1.0) / 12)
    assert (found.largest_norm, found.threshold, found.excess) == (6.0, 1.5, 4.0)


def test_clipping_that_is_none() -> None:
    found = clipping_of([line(10, 1.0, 2.0)])
    assert found is not None and found.share is None and found.excess is None
    by_value = clipping_of([line(10, 1.0, 2.0, clipped=0.1, clip_value=5.0)])
    assert by_value is not None and by_value.by_value and by_value.excess is None
    assert clipping_of([{"step": 1, "val/loss": 0.0}]) is None


def probe_of(dataset: Any, model: dict[str, Any]) -> tuple[Any, Any, Probe]:
    torch.manual_seed(0)
    network = build_network(Model.model_validate(model), dataset)
    task = ManyToManyTask(Classification())
    return network, task, Probe.of(Batches(dataset, "val", 8, seed=0), 8)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_truncation_bias(make_dataset: Any, cell: str) -> None:
    dataset = make_dataset("many_to_many", classes=3, vocabulary=4, time=12, ragged=True)
    model = {"cell": cell, "hidden_sizes": (5, 4), "init": {"recurrent": "identity"}}
    network, task, probe = probe_of(dataset, model)
    whole = truncation_bias(network, task, probe, Truncated(k1=12, k2=12))
    assert [bias.place for bias in whole] == ["whole network", "layer 1", "layer 2", "output"]
    for bias in whole:  # k1 = k2 = T is full BPTT
        assert (bias.cosine, bias.norm_ratio) == pytest.approx((1, 1), abs=1e-12)
    cut = {b.place: b for b in truncation_bias(network, task, probe, Truncated(k1=2, k2=2))}
    longer = {b.place: b for b in truncation_bias(network, task, probe, Truncated(k1=2, k2=8))}
    assert cut["layer 1"].cosine < longer["layer 1"].cosine < 1
    assert cut["output"].cosine == pytest.approx(1, abs=1e-12)  # it looks back no step


def test_shuffling_permutes_valid_steps_and_keeps_pairs(make_dataset: Any) -> None:
    dataset = make_dataset("many_to_many", classes=3, vocabulary=50, time=9, ragged=True)
    mixed = shuffled(dataset, ("val",))
    assert mixed.train is dataset.train
    before, after = dataset.val, mixed.val
    assert not np.array_equal(before.inputs, after.inputs)
    for row, length in enumerate(before.lengths):
        pairs = set(zip(before.inputs[row, :length], before.targets[row, :length], strict=True))
        assert pairs == set(
            zip(after.inputs[row, :length], after.targets[row, :length], strict=True)
        )
        np.testing.assert_array_equal(before.inputs[row, length:], after.inputs[row, length:])
    again = shuffled(dataset, ("val",))
    np.testing.assert_array_equal(again.val.inputs, after.inputs)


def test_order_of_the_data(make_config: Any) -> None:
    """An echo of one step ago is lost when the steps are shuffled."""
    config = make_config(
        data={"source": "delayed_echo", "length": 10, "delay": 1, "train": 400, "val": 100},
        task={"kind": "many_to_many"},
        model={"cell": "rnn", "hidden_sizes": (16,)},
        training={"epochs": 20, "batch_size": 50, "optimizer": {"name": "adam", "lr": 0.02}},
    )
    experiment = assemble(config)
    found = data_order(experiment, steps=150, seconds=60)
    assert found.matters and found.metric == "accuracy"
    assert found.ordered > 0.95 and found.shuffled < 0.5
    assert found.steps == 150


def test_order_of_a_regression(make_config: Any) -> None:
    config = make_config(
        data={"source": "sine_mixture", "length": 500, "window": 8},
        task={"kind": "many_to_one"},
        model={"hidden_sizes": (4,)},
    )
    found = model_order(assemble(config))
    assert found.metric == "rmse" and not found.larger_is_better
    assert replace(found, ordered=1.0, shuffled=2.0).matters
    assert not replace(found, ordered=1.0, shuffled=1.01).matters
