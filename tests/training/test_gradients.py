"""A gradient depends on the valid targets alone: not on padding, nor on how batches are cut."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from rnnexp.config.model_settings import Model
from rnnexp.config.training_settings import Training
from rnnexp.data.batches import Batches
from rnnexp.layers.assembly import build_network
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.many_to_one import ManyToOneTask
from rnnexp.tasks.objective import Classification, Regression
from rnnexp.training.gradients import Gradients

CPU = torch.device("cpu")


def first_gradient(dataset: Any, **training: Any) -> tuple[float, Tensor]:
    torch.manual_seed(0)
    network = build_network(Model(hidden_sizes=(4,)), dataset).double()
    torch.set_default_dtype(torch.float64)
    try:
        objective = Classification() if training.pop("classes", False) else Regression("mse", None)
        shape = ManyToOneTask if dataset.shape == "many_to_one" else ManyToManyTask
        config = Training(**training)
        batches = Batches(dataset, "train", config.batch_size, seed=1)
        # float64 throughout, so that only the order of the sums differs
        batches = _doubled(batches)
        pending = next(Gradients(config, network, shape(objective), CPU).of_epoch(batches, 0))
    finally:
        torch.set_default_dtype(torch.float32)
    return pending.loss.item(), torch.cat([p.grad.flatten() for p in network.parameters()])  # type: ignore[union-attr]


def _doubled(batches: Batches) -> Batches:
    take = batches.take

    def doubled(rows: Any) -> Any:
        from dataclasses import replace

        batch = take(rows)
        targets = batch.targets.double() if batch.targets.is_floating_point() else batch.targets
        return replace(batch, inputs=batch.inputs.double(), targets=targets)

    batches.take = doubled  # type: ignore[method-assign]
    return batches


@pytest.mark.parametrize("shape", ["many_to_one", "many_to_many"])
@pytest.mark.parametrize("ragged", [False, True])
def test_accumulation_equals_one_large_batch(make_dataset: Any, shape: str, ragged: bool) -> None:
    dataset = make_dataset(shape, ragged=ragged)
    loss, whole = first_gradient(dataset, batch_size=12)
    # 12 examples in 3 batches of 5, 5 and 2: unequal sizes and numbers of valid targets
    parts_loss, parts = first_gradient(dataset, batch_size=5, accumulate=3)
    assert parts_loss == pytest.approx(loss, rel=1e-6)
    torch.testing.assert_close(parts, whole, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("shape", ["many_to_one", "many_to_many"])
def test_padding_changes_nothing(make_dataset: Any, shape: str) -> None:
    from dataclasses import replace

    import numpy as np

    dataset = make_dataset(shape, ragged=True)
    train = dataset.train
    extra = [(0, 0), (0, 5), (0, 0)]
    padded = replace(
        train,
        inputs=np.pad(train.inputs, extra, constant_values=9.0),
        targets=train.targets if shape == "many_to_one" else np.pad(train.targets, extra),
    )
    plain = first_gradient(dataset, batch_size=12)
    other = first_gradient(replace(dataset, train=padded), batch_size=12)
    assert plain[0] == other[0]
    torch.testing.assert_close(plain[1], other[1], rtol=0, atol=0)
