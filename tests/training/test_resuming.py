"""Stopped after any update and brought back from disk: the same weights and log, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from rnnexp.config.model_settings import Model
from rnnexp.config.training_settings import Training
from rnnexp.data.batches import Batches
from rnnexp.data.dataset import Dataset
from rnnexp.errors import InterruptedRunError
from rnnexp.layers.assembly import build_network
from rnnexp.recording import checkpoints
from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.many_to_one import ManyToOneTask
from rnnexp.tasks.objective import Regression
from rnnexp.training.interrupt import Interrupt
from rnnexp.training.journal import Journal, Silent
from rnnexp.training.trainer import Outcome, Trainer

from .test_trainer import Memory

SEGMENTS = {"full": True, "checkpoint_every": 2}
CARRY = {"k1": 2, "k2": 3, "carry_state": True}


class Stop(Interrupt):
    """A signal that comes during update number `step`."""

    def __init__(self, trainer: Trainer, step: int | None) -> None:
        super().__init__()
        self.trainer, self.step = trainer, step

    def pending(self) -> int:
        return 15 if self.trainer.step == self.step else 0


def trainer_for(dataset: Dataset, cell: str, **training: Any) -> Trainer:
    torch.manual_seed(0)
    model = Model.model_validate({"cell": cell, "hidden_sizes": (5, 4), "dropout": 0.3})
    settings = {"batch_size": 4, "log_every": 3, "epochs": 3, "monitor": "val/mse", **training}
    config = Training.model_validate(settings)
    task = ManyToOneTask if dataset.shape == "many_to_one" else ManyToManyTask
    carry = bool(getattr(config.bptt, "carry_state", False))
    train = Batches(dataset, "train", config.batch_size, seed=0, carry=carry)
    val = Batches(dataset, "val", config.batch_size, seed=0)
    network = build_network(model, dataset)
    return Trainer(config, network, task(Regression("mse", None)), train, val, torch.device("cpu"))


def run(
    trainer: Trainer, memory: Memory, stop: int | None, begin: Checkpoint | None, best: Any
) -> Outcome | None:
    """Fit, from a checkpoint where there is one, until a signal comes."""
    torch.manual_seed(12345)  # what a new process would have; the checkpoint must put it right
    journal = Journal(memory, Silent(), trainer.config)
    if begin is not None:
        trainer.resume(begin, best, journal)
    else:
        torch.manual_seed(1)
    try:
        return trainer.fit(journal, Stop(trainer, stop))
    except InterruptedRunError:
        return None


def through_disk(folder: Path, checkpoint: Checkpoint) -> Checkpoint:
    folder.mkdir()
    return checkpoints.load(checkpoints.save(folder, checkpoint))


@pytest.mark.parametrize(
    ("shape", "cell", "training"),
    [
        ("many_to_one", "rnn", {"optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9}}),
        ("many_to_one", "lstm", {"clip": {"auto": 0.8}, "accumulate": 2}),
        ("many_to_one", "gru", {"schedule": {"name": "plateau", "patience": 0}, "epochs": 5}),
        ("many_to_one", "gru", {"max_steps": 7, "optimizer": {"name": "rmsprop", "lr": 0.01}}),
        (
            "many_to_one",
            "rnn",
            {"early_stopping": {"patience": 2}, "epochs": 9, "optimizer": {"name": "sgd", "lr": 1}},
        ),
        ("many_to_one", "rnn", {"bptt": SEGMENTS, "accumulate": 2}),
        ("many_to_many", "lstm", {"bptt": SEGMENTS}),
        ("many_to_many", "rnn", {"bptt": {"k1": 2, "k2": 4}}),
        ("many_to_many", "lstm", {"bptt": CARRY}),
        ("many_to_many", "gru", {"bptt": CARRY, "optimizer": {"name": "sgd", "momentum": 0.9}}),
        ("many_to_many", "lstm", {"bptt": {"k1": 3, "k2": 3}, "schedule": {"name": "cosine"}}),
    ],
)
def test_every_stop_leads_to_the_same_end(
    make_dataset: Any, tmp_path: Path, shape: str, cell: str, training: dict[str, Any]
) -> None:
    dataset = make_dataset(shape)
    whole, memory = trainer_for(dataset, cell, **training), Memory()
    expected = run(whole, memory, None, None, None)
    assert expected is not None and expected.steps >= 6
    for stop in range(1, expected.steps + 1):
        first, kept = trainer_for(dataset, cell, **training), Memory()
        assert run(first, kept, stop, None, None) is None
        lines = list(kept.records)
        newest = through_disk(tmp_path / f"{stop}", kept.checkpoints[-1][0])
        best = next((c for c, is_best, _ in reversed(kept.checkpoints[1:-1]) if is_best), newest)
        second, rest = trainer_for(dataset, cell, **training), Memory()
        ended = run(second, rest, None, newest, best)
        assert ended is not None
        assert lines + rest.records == memory.records, stop
        assert (ended.stopped_by, ended.steps, ended.epochs, ended.best_step) == (
            expected.stopped_by, expected.steps, expected.epochs, expected.best_step
        )  # fmt: skip
        for name, value in whole.network.state_dict().items():
            assert torch.equal(value, second.network.state_dict()[name]), (stop, name)
        last, other = memory.checkpoints[-1][0].tensors, rest.checkpoints[-1][0].tensors
        assert last.keys() == other.keys()
        assert all(torch.equal(last[name], other[name]) for name in last), stop


def test_a_longer_training_goes_on_where_the_shorter_ended(make_dataset: Any) -> None:
    dataset = make_dataset("many_to_one")
    short, memory = trainer_for(dataset, "gru", epochs=2), Memory()
    run(short, memory, None, None, None)
    newest = memory.checkpoints[-1][0]
    assert newest.state["ended"]
    longer, rest = trainer_for(dataset, "gru", epochs=4), Memory()
    ended = run(longer, rest, None, newest, newest)
    whole, expected = trainer_for(dataset, "gru", epochs=4), Memory()
    at_once = run(whole, expected, None, None, None)
    assert ended is not None and at_once is not None
    assert (ended.steps, ended.epochs) == (at_once.steps, at_once.epochs)
    assert memory.records + rest.records == expected.records


def test_a_patience_that_ran_out_can_be_lengthened(make_dataset: Any) -> None:
    dataset = make_dataset("many_to_one")
    quick = {"optimizer": {"name": "adam", "lr": 0.3}, "epochs": 30}
    short, memory = trainer_for(dataset, "rnn", early_stopping={"patience": 1}, **quick), Memory()
    first = run(short, memory, None, None, None)
    assert first is not None and first.stopped_by == "early_stopping"
    newest = memory.checkpoints[-1][0]
    same, nothing = trainer_for(dataset, "rnn", early_stopping={"patience": 1}, **quick), Memory()
    again = run(same, nothing, None, newest, newest)
    assert again is not None and again.steps == first.steps and nothing.records == []
    longer = trainer_for(dataset, "rnn", early_stopping={"patience": 3}, **quick)
    later = run(longer, Memory(), None, newest, newest)
    assert later is not None and later.steps > first.steps
