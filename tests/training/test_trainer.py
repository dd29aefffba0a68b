"""The loop: it learns, ends for the right reason, repeats itself bit for bit, and never lies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

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
from rnnexp.training.interrupt import Interrupt
from rnnexp.training.journal import Journal, Silent
from rnnexp.training.snapshot import model_weights
from rnnexp.training.trainer import Outcome, Trainer
from rnnexp.training.update import Applied

WALL_CLOCK = {"seconds", "tokens_per_s"}


@dataclass
class Memory:
    """A recorder that keeps everything in memory."""

    records: list[dict[str, Any]] = field(default_factory=list)
    checkpoints: list[tuple[Checkpoint, bool, bool]] = field(default_factory=list)

    def record(self, record: Mapping[str, Any]) -> None:
        self.records.append({k: v for k, v in record.items() if k not in WALL_CLOCK})

    def checkpoint(self, checkpoint: Checkpoint, best: bool, last: bool) -> None:
        self.checkpoints.append((checkpoint, best, last))


def trainer_for(dataset: Dataset, **training: Any) -> Trainer:
    torch.manual_seed(0)
    network = build_network(Model(hidden_sizes=(8,), dropout=0.0), dataset)
    config = Training.model_validate({"batch_size": 4, "log_every": 1, **training})
    task = ManyToOneTask if dataset.shape == "many_to_one" else ManyToManyTask
    train = Batches(dataset, "train", config.batch_size, seed=0)
    val = Batches(dataset, "val", config.batch_size, seed=0)
    return Trainer(config, network, task(Regression("mse", None)), train, val, torch.device("cpu"))


def fit(dataset: Dataset, **training: Any) -> tuple[Outcome, Memory, Trainer]:
    trainer, memory = trainer_for(dataset, **training), Memory()
    journal = Journal(memory, Silent(), trainer.config)
    return trainer.fit(journal, Interrupt()), memory, trainer


def test_it_learns_and_ends_with_the_best_weights(make_dataset: Any) -> None:
    outcome, memory, trainer = fit(
        make_dataset("many_to_one"), epochs=30, optimizer={"name": "adam", "lr": 0.02}
    )
    losses = [r["train/loss"] for r in memory.records if "train/loss" in r]
    assert losses[-1] < 0.3 * losses[0]
    assert (outcome.stopped_by, outcome.steps, outcome.epochs) == ("epochs", 90, 30)
    best = min(r["val/loss"] for r in memory.records if "val/loss" in r)
    assert outcome.best_metrics["val/loss"] == best
    kept = [c for c, is_best, _ in memory.checkpoints if is_best][-1]
    assert kept.step == outcome.best_step < 90  # random targets: validation soon gets worse
    for name, value in trainer.network.state_dict().items():
        assert torch.equal(value, model_weights(kept)[name])


@pytest.mark.parametrize("shape", ["many_to_one", "many_to_many"])
def test_the_same_seed_gives_the_same_log_and_weights(make_dataset: Any, shape: str) -> None:
    bptt: Any = "full" if shape == "many_to_one" else {"k1": 2, "k2": 3}
    runs = [fit(make_dataset(shape), epochs=3, bptt=bptt) for _ in range(2)]
    assert runs[0][1].records == runs[1][1].records
    first, second = (run[1].checkpoints[-1][0].tensors for run in runs)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_max_steps_strikes_in_mid_epoch_and_still_validates(make_dataset: Any) -> None:
    outcome, memory, _ = fit(make_dataset("many_to_one"), max_steps=4)
    assert (outcome.stopped_by, outcome.steps, outcome.epochs) == ("max_steps", 4, 2)
    assert "val/loss" in memory.records[-1]
    assert memory.checkpoints[-1][2]


def test_max_minutes(make_dataset: Any) -> None:
    outcome, _, _ = fit(make_dataset("many_to_one"), epochs=10_000, max_minutes=0.002)
    assert outcome.stopped_by == "max_minutes"
    assert 0.12 <= outcome.seconds < 60


def test_early_stopping_waits_for_its_patience(make_dataset: Any) -> None:
    outcome, memory, _ = fit(
        make_dataset("many_to_one"),
        epochs=500,
        optimizer={"name": "adam", "lr": 0.05},
        early_stopping={"patience": 3},
    )
    values = [r["val/loss"] for r in memory.records if "val/loss" in r]
    assert outcome.stopped_by == "early_stopping"
    assert values.index(min(values)) == len(values) - 4


def test_log_lines_say_what_clipping_did(make_dataset: Any) -> None:
    dataset = make_dataset("many_to_one")
    _, free, _ = fit(dataset, epochs=1)
    assert all("clipped" not in record for record in free.records)
    norms = [r["grad_norm"] for r in free.records if "grad_norm" in r]
    _, tight, _ = fit(dataset, epochs=1, clip={"norm": 1e-3})
    lines = [r for r in tight.records if "clipped" in r]
    assert [line["clipped"] for line in lines] == [1.0, 1.0, 1.0]
    assert lines[0]["clip_threshold"] == 1e-3
    assert lines[0]["grad_norm"] == norms[0]  # the norm before clipping
    _, loose, _ = fit(dataset, epochs=1, clip={"norm": 1e3})
    assert {r["clipped"] for r in loose.records if "clipped" in r} == {0.0}


def test_log_every_averages_over_the_updates_between(make_dataset: Any) -> None:
    dataset = make_dataset("many_to_one")
    _, each, _ = fit(dataset, epochs=1)
    _, some, _ = fit(dataset, epochs=1, log_every=2)
    losses = [r["train/loss"] for r in each.records if "train/loss" in r]
    lines = [r for r in some.records if "train/loss" in r]
    assert [line["step"] for line in lines] == [2, 3]
    assert lines[0]["train/loss"] == pytest.approx(sum(losses[:2]) / 2)
    assert lines[1]["train/loss"] == losses[2]


@pytest.mark.parametrize("poison", ["loss", "gradient"])
def test_what_is_not_finite_never_reaches_a_weight(make_dataset: Any, poison: str) -> None:
    trainer = trainer_for(make_dataset("many_to_one"), epochs=2)
    task_loss = trainer.task.loss

    def poisoned(output: torch.Tensor, batch: Any) -> torch.Tensor:
        loss = task_loss(output, batch)
        if trainer.step < 1:
            return loss
        if poison == "loss":
            return loss * math.nan
        # sqrt has an infinite slope at 0, and 0 * inf is NaN: a finite loss with a NaN gradient
        assert isinstance(trainer.network.head, torch.nn.Linear)
        return loss + (trainer.network.head.bias * 0).sum().abs().sqrt()

    trainer.task.loss = poisoned  # type: ignore[method-assign]
    weights: list[dict[str, torch.Tensor]] = []

    class Watch(Silent):
        def stepped(self, step: int, loss: float) -> None:
            state = trainer.network.state_dict()
            weights.append({name: value.clone() for name, value in state.items()})

    with pytest.raises(DivergedError, match=r"epoch 0, step 2, training rows \d+") as error:
        trainer.fit(Journal(Memory(), Watch(), trainer.config), Interrupt())
    assert error.value.exit == 8
    if poison == "gradient":
        assert "head.bias" in str(error.value)
    for name, value in trainer.network.state_dict().items():
        assert torch.equal(value, weights[-1][name])


def test_a_signal_leaves_a_checkpoint(make_dataset: Any) -> None:
    trainer, memory, interrupt = trainer_for(make_dataset("many_to_one")), Memory(), Interrupt()

    class Interrupting(Silent):
        def stepped(self, step: int, loss: float) -> None:
            interrupt.number = 15 if step == 5 else 0

    with pytest.raises(InterruptedRunError) as error:
        trainer.fit(Journal(memory, Interrupting(), trainer.config), interrupt)
    assert error.value.exit == 143
    checkpoint, _, last = memory.checkpoints[-1]
    assert (checkpoint.step, last) == (5, True)
    cursor = {"epoch": 1, "batch": 2, "window": 0, "in_mid_epoch": True}
    assert checkpoint.state["cursor"] == cursor


def test_a_checkpoint_holds_everything_that_cannot_be_derived(make_dataset: Any) -> None:
    training = {"bptt": {"k1": 2, "k2": 3}, "clip": {"auto": 2.0}, "checkpoint_steps": 4}
    _, memory, trainer = fit(make_dataset("many_to_many", consecutive=True), epochs=1, **training)
    steps = [checkpoint.step for checkpoint, _, _ in memory.checkpoints]
    assert steps == [0, 4, 8, 9]  # the start, twice within the epoch, its end
    checkpoint = memory.checkpoints[-2][0]
    parts = {name.split("/")[0] for name in checkpoint.tensors}
    assert parts == {"model", "optimizer", "random", "carried"}
    optimizer = [name for name in checkpoint.tensors if name.startswith("optimizer/")]
    assert len(optimizer) == 3 * len(list(trainer.network.parameters()))
    assert set(checkpoint.state) == {
        "step", "cursor", "stopped_by", "ended", "monitor", "best_step", "best_metrics", "stopping",
        "schedule", "clipping", "journal", "signature", "strike",
    }  # fmt: skip
    assert checkpoint.state["clipping"]["weight"] > 0


def test_a_weight_that_is_not_finite_is_never_saved(make_dataset: Any) -> None:
    """An update can overflow although loss and gradient were finite."""
    trainer, memory = trainer_for(make_dataset("many_to_one"), checkpoint_steps=1), Memory()
    step = trainer.updater.step

    def overflowing(loss: torch.Tensor, learning_rate: float) -> Applied:
        done = step(loss, learning_rate)
        if trainer.step == 4:
            next(iter(trainer.network.parameters())).data[0] = math.inf
        return done

    trainer.updater.step = overflowing  # type: ignore[method-assign]
    with pytest.raises(DivergedError) as error:
        trainer.fit(Journal(memory, Silent(), trainer.config), Interrupt())
    problem = error.value.problems[0]
    assert problem.code == "DIV004" and "step 5" in problem.message and "weight" in problem.message
    assert [checkpoint.step for checkpoint, _, _ in memory.checkpoints][-1] == 4
    for checkpoint, _, _ in memory.checkpoints:
        assert all(bool(value.isfinite().all()) for value in model_weights(checkpoint).values())
