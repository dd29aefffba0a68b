"""The next batch is on its way before one is trained on, and order and number stay."""

from __future__ import annotations

from typing import Any

import torch

from rnnexp.data.batches import Batch, Batches, ahead, placed


class Counting:
    """A copier that notes what it is asked for."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.numbers: dict[int, int] = {}

    def begin(self, batch: Batch) -> Batch:
        self.numbers[id(batch)] = len(self.numbers)
        self.log.append(f"begin {self.numbers[id(batch)]}")
        return batch

    def wait(self, batch: Batch) -> Batch:
        self.log.append(f"wait {self.numbers[id(batch)]}")
        return batch


def test_one_copy_is_always_ahead(make_dataset: Any) -> None:
    batches, copier = list(Batches(make_dataset("many_to_one"), "train", 4, 0).epoch(0)), Counting()
    out: list[Batch] = []
    for batch in ahead(iter(batches), copier):
        copier.log.append(f"train {len(out)}")
        out.append(batch)
    assert [id(batch) for batch in out] == [id(batch) for batch in batches]
    assert copier.log == [
        "begin 0", "begin 1", "wait 0", "train 0",
        "begin 2", "wait 1", "train 1",
        "wait 2", "train 2",
    ]  # fmt: skip


def test_of_nothing_comes_nothing() -> None:
    copier = Counting()
    assert list(ahead(iter(()), copier)) == [] and copier.log == []


def test_on_the_cpu_nothing_is_copied(make_dataset: Any) -> None:
    batches = Batches(make_dataset("many_to_one"), "train", 4, 0).epoch(0)
    assert placed(batches, torch.device("cpu")) is batches
