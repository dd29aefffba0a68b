"""Teacher forcing: which steps read the true previous answer, and what that changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from rnnexp.config.model_settings import Model
from rnnexp.config.training_settings import TeacherForcing, Training
from rnnexp.data.batches import Batches, teacher_of
from rnnexp.layers.assembly import build_network
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.objective import Classification
from rnnexp.training.gradients import Gradients
from rnnexp.training.teacher import Teacher
from tests.conftest import MakeDataset

MODEL = Model(cell="rnn", hidden_sizes=(5, 4), recurrence="output_to_hidden")


def test_share_falls_linearly_and_stays() -> None:
    teacher = Teacher(TeacherForcing(start=1.0, end=0.2, epochs=4), None)  # type: ignore[arg-type]
    assert [teacher.share(epoch) for epoch in range(6)] == pytest.approx(
        [1.0, 0.8, 0.6, 0.4, 0.2, 0.2]
    )
    constant = Teacher(TeacherForcing(start=0.3), None)  # type: ignore[arg-type]
    assert constant.share(99) == 0.3


@pytest.mark.parametrize("classes", [None, 4])
def test_teacher_is_the_previous_target(make_dataset: Any, classes: int | None) -> None:
    dataset = make_dataset("many_to_many", classes=classes, examples=40, time=50)
    batch = Batches(dataset, "train", 40, seed=0).take(torch.arange(40).numpy())
    taught = Teacher(TeacherForcing(start=0.25), dataset.outputs).attach(batch, 0)
    assert taught.teacher is not None and taught.forced is not None
    previous = batch.targets[:-1]
    if classes is not None:
        previous = torch.nn.functional.one_hot(previous, classes).float()
    torch.testing.assert_close(taught.teacher[1:], previous)
    assert not taught.forced[0].any()
    # 1,960 coins: the share is known to about 0.01
    assert float(taught.forced[1:].mean()) == pytest.approx(0.25, abs=0.04)
    window = taught.window(10, 20)
    assert window.teacher is not None
    torch.testing.assert_close(window.teacher, taught.teacher[10:20])


@pytest.mark.parametrize("bptt", ["full", {"k1": 2, "k2": 2}])
def test_training_reads_the_teacher_and_evaluation_does_not(make_dataset: Any, bptt: Any) -> None:
    dataset = make_dataset("many_to_many", classes=4, vocabulary=3)
    losses = {}
    for name, forcing in (("free", None), ("forced", TeacherForcing(start=1.0))):
        torch.manual_seed(0)
        network = build_network(MODEL, dataset)
        training = Training.model_validate({"batch_size": 12, "bptt": bptt})
        training = training.model_copy(update={"teacher_forcing": forcing})
        task = ManyToManyTask(Classification())
        gradients = Gradients(training, network, task, torch.device("cpu"))
        batches = Batches(dataset, "train", 12, seed=0)
        losses[name] = [pending.loss.item() for pending in gradients.of_epoch(batches, 0)]
        score, _ = task.score(network, next(batches.in_order()), None)
        losses[f"{name} score"] = [score.sums["loss"]]
    assert losses["free"] != losses["forced"]
    assert losses["free score"] == losses["forced score"]


def test_gradient_does_not_pass_a_forced_step(make_dataset: Any) -> None:
    dataset = make_dataset("many_to_many", classes=4)
    network = build_network(MODEL, dataset)
    batch = Batches(dataset, "train", 12, seed=0).take(torch.arange(12).numpy())
    taught = Teacher(TeacherForcing(start=1.0), dataset.outputs).attach(batch, 0)
    inputs = batch.inputs.clone().requires_grad_()
    top = network.stack.layers[1]
    x_TBI = torch.randn(6, 12, 5, requires_grad=True)
    z_TBO, _ = top(x_TBI, None, None, teacher_of(taught))
    z_TBO[4].sum().backward()
    assert x_TBI.grad is not None
    assert x_TBI.grad[4].any() and not x_TBI.grad[:4].any()
    assert inputs.grad is None


def test_a_decoder_has_the_true_tokens_already(make_dataset: MakeDataset) -> None:
    """Only the coins are new; and none are tossed where every step is forced."""
    dataset = make_dataset("delayed", classes=4, vocabulary=5, ragged=True)
    batch = Batches(dataset, "train", 12, seed=0).take(np.arange(12))
    assert Teacher(TeacherForcing(), dataset.outputs).attach(batch, 0) is batch
    attached = Teacher(TeacherForcing(start=0.5), dataset.outputs).attach(batch, 0)
    assert attached.teacher is batch.inputs
    assert attached.forced is not None
    assert attached.forced.shape == (*batch.inputs.shape, 1)
    assert 0.2 < float(attached.forced.mean()) < 0.8
