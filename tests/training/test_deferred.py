"""Outcomes read many at once: the same log, weights and reports as when each one is read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from rnnexp.config.model_settings import Model
from rnnexp.config.training_settings import Training
from rnnexp.data.batches import Batches
from rnnexp.data.dataset import Dataset
from rnnexp.errors import DivergedError, InterruptedRunError
from rnnexp.layers.assembly import build_network
from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.many_to_one import ManyToOneTask
from rnnexp.tasks.objective import Regression
from rnnexp.training import deferred
from rnnexp.training.interrupt import Interrupt
from rnnexp.training.journal import Journal, Silent
from rnnexp.training.trainer import Trainer

from .test_trainer import Memory

CPU = torch.device("cpu")
TRAININGS: list[tuple[str, dict[str, Any]]] = [
    ("many_to_one", {}),
    ("many_to_one", {"clip": {"norm": 0.3}, "accumulate": 2}),
    ("many_to_one", {"clip": {"value": 0.05}, "optimizer": {"name": "adamw"}}),
    ("many_to_one", {"clip": {"norm": 0.3}, "optimizer": {"name": "sgd", "momentum": 0.9}}),
    ("many_to_many", {"bptt": {"k1": 2, "k2": 3}, "clip": {"value": 0.1}, "checkpoint_steps": 4}),
    ("many_to_many", {"bptt": {"k1": 2, "k2": 3, "carry_state": True}, "clip": {"norm": 0.1}}),
]


class Watch(Silent):
    """Every step and loss, in order."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, float]] = []

    def stepped(self, step: int, loss: float) -> None:
        self.steps.append((step, loss))


class StopAt(Interrupt):
    def __init__(self, trainer: Trainer, step: int | None) -> None:
        super().__init__()
        self.trainer, self.step = trainer, step

    def pending(self) -> int:
        return 15 if self.trainer.step == self.step else 0


def trainer_for(dataset: Dataset, later: bool | None, **training: Any) -> Trainer:
    torch.manual_seed(0)
    model = Model.model_validate({"cell": "gru", "hidden_sizes": (5, 4), "dropout": 0.3})
    config = Training.model_validate({"batch_size": 4, "log_every": 5, "epochs": 3, **training})
    task = ManyToOneTask if dataset.shape == "many_to_one" else ManyToManyTask
    carry = bool(getattr(config.bptt, "carry_state", False))
    train = Batches(dataset, "train", config.batch_size, seed=0, carry=carry)
    val = Batches(dataset, "val", config.batch_size, seed=0)
    network = build_network(model, dataset)
    return Trainer(config, network, task(Regression("mse", None)), train, val, CPU, later)


def fit(trainer: Trainer, stop: int | None = None) -> tuple[Memory, Watch, str]:
    """What was recorded and seen, and how it ended."""
    memory, watch, ended = Memory(), Watch(), "done"
    torch.manual_seed(1)
    try:
        trainer.fit(Journal(memory, watch, trainer.config), StopAt(trainer, stop))
    except (DivergedError, InterruptedRunError) as error:
        ended = f"{type(error).__name__} {error}"
    return memory, watch, ended


def assert_same(ours: tuple[Memory, Watch, str], theirs: tuple[Memory, Watch, str]) -> None:
    (memory, watch, ended), (other, seen, how) = ours, theirs
    assert ended == how and watch.steps == seen.steps
    assert memory.records == other.records
    assert len(memory.checkpoints) == len(other.checkpoints)
    for (mine, *kept), (their, *keeping) in zip(memory.checkpoints, other.checkpoints, strict=True):
        assert kept == keeping and mine.tensors.keys() == their.tensors.keys()
        for name, value in mine.tensors.items():
            assert torch.equal(value, their.tensors[name]), (mine.step, name)
        assert without_clock(mine) == without_clock(their)


def without_clock(checkpoint: Checkpoint) -> dict[str, Any]:
    journal = {k: v for k, v in checkpoint.state["journal"].items() if k != "seconds"}
    return checkpoint.state | {"journal": journal}


@contextmanager
def poisoned(trainer: Trainer, poison: str, at: int) -> Iterator[None]:
    """The loss, or the gradient of the head's bias, of update number `at` is not finite."""
    task_loss, calls = trainer.task.loss, 0

    def loss(output: Tensor, batch: Any) -> Tensor:
        nonlocal calls
        calls += 1
        found = task_loss(output, batch)
        if calls != at:
            return found
        if poison == "loss":
            return found * math.inf
        assert isinstance(trainer.network.head, torch.nn.Linear)
        return found + (trainer.network.head.bias * 0).sum().abs().sqrt()

    trainer.task.loss = loss  # type: ignore[method-assign]
    yield


@pytest.mark.parametrize(("shape", "training"), TRAININGS, ids=str)
@pytest.mark.parametrize("log_every", [2, 1000])
def test_nothing_but_the_time_of_reading_differs(
    make_dataset: Any, shape: str, training: dict[str, Any], log_every: int
) -> None:
    dataset = make_dataset(shape, consecutive=True)
    trainers = [
        trainer_for(dataset, later, log_every=log_every, **training) for later in (True, False)
    ]
    assert trainers[0].deferred is not None and trainers[1].deferred is None
    assert_same(fit(trainers[0]), fit(trainers[1]))


@pytest.mark.parametrize(("shape", "training"), TRAININGS, ids=str)
@pytest.mark.parametrize("poison", ["loss", "gradient"])
@pytest.mark.parametrize("at", [1, 2, 5])
def test_a_divergence_is_reported_where_it_was(
    make_dataset: Any, shape: str, training: dict[str, Any], poison: str, at: int
) -> None:
    """Later updates, finite again, were held back as well."""
    dataset, results, weights = make_dataset(shape, consecutive=True), [], []
    for later in (True, False):
        trainer = trainer_for(dataset, later, log_every=1000, max_steps=6, **training)
        with poisoned(trainer, poison, at):
            results.append(fit(trainer))
        weights.append(trainer.network.state_dict())
    assert "DivergedError" in results[0][2] and "training rows" in results[0][2]
    assert_same(*results)
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize(("shape", "training"), TRAININGS, ids=str)
def test_a_signal_finds_everything_counted(
    make_dataset: Any, shape: str, training: dict[str, Any]
) -> None:
    dataset = make_dataset(shape, consecutive=True)
    for stop in (1, 3, 4):
        results = [
            fit(trainer_for(dataset, later, log_every=1000, **training), stop)
            for later in (True, False)
        ]
        assert "InterruptedRunError" in results[0][2]
        assert_same(*results)


def test_a_divergence_in_the_step_of_a_limit_is_not_missed(make_dataset: Any) -> None:
    results = []
    for later in (True, False):
        trainer = trainer_for(make_dataset("many_to_one"), later, max_steps=5, log_every=1000)
        with poisoned(trainer, "gradient", 5):
            results.append(fit(trainer))
    assert "step 5" in results[0][2]
    assert_same(*results)


def test_many_are_read_at_once(make_dataset: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make_dataset("many_to_one", examples=4 * (2 * deferred.READ_EVERY + 3))
    trainer = trainer_for(dataset, True, epochs=1, log_every=1000)
    assert trainer.deferred is not None
    read, sizes = deferred.Deferred.read, []

    def counted(self: deferred.Deferred) -> Any:
        sizes.append(len(self.unread))
        return read(self)

    monkeypatch.setattr(deferred.Deferred, "read", counted)
    fit(trainer)
    assert [size for size in sizes if size] == [deferred.READ_EVERY, deferred.READ_EVERY, 3]


@pytest.mark.parametrize(("shape", "training"), TRAININGS, ids=str)
@pytest.mark.parametrize("ragged", [False, True])
def test_no_step_asks_the_device(
    make_dataset: Any,
    monkeypatch: pytest.MonkeyPatch,
    shape: str,
    training: dict[str, Any],
    ragged: bool,
) -> None:
    """Whatever makes a number of Python's from a tensor would wait for it."""
    training = {k: v for k, v in training.items() if k != "checkpoint_steps"}
    if ragged and shape == "many_to_many":
        training["bptt"] = {"k1": 2, "k2": 3}
    dataset = make_dataset(shape, ragged=ragged, consecutive=not ragged)
    trainer = trainer_for(dataset, True, **training)
    assert trainer.deferred is not None
    trainer.network.train()

    def refuse(*_: Any) -> Any:
        raise AssertionError("a tensor was read")

    with monkeypatch.context() as patch:
        for name in ("item", "tolist", "__bool__", "__float__", "__int__", "numpy", "cpu"):
            patch.setattr(torch.Tensor, name, refuse)
        for pending in trainer.gradients.of_epoch(trainer.train, 0):
            trainer.deferred.step(pending, 1e-3, trainer._place())
    assert len(list(trainer.deferred.read())) >= 2


@pytest.mark.parametrize(
    "training", [{"clip": {"auto": 1.0}}, {"optimizer": {"name": "rmsprop"}}], ids=str
)
def test_what_needs_an_answer_at_once_gets_it(make_dataset: Any, training: dict[str, Any]) -> None:
    dataset = make_dataset("many_to_one")
    assert trainer_for(dataset, True, **training).deferred is None
    assert trainer_for(dataset, None).deferred is None  # on a CPU reading costs nothing
