"""Records of a delayed many-to-many, and the batches that are made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from rnnexp.data.batches import Batches, condition_of
from rnnexp.data.dataset import Dataset, Sequences, Tokens
from rnnexp.data.encoding import UNKNOWN

PAIRS = [
    ("a b c", "x, y."),
    ("b", "y!"),
    ("c a", "x y x."),
    ("a", "x."),
    ("c b", "y y!"),
    ("b a", "x y"),
]
FILES = {"val_path": "val.jsonl", "test_path": "test.jsonl"}


@pytest.fixture
def load(make: Any, write_lines: Any) -> Any:
    def call(pairs: list[tuple[Any, Any]] = PAIRS, **data: Any) -> Dataset:
        lines = [{"inputs": source, "target": target} for source, target in pairs]
        write_lines("a.jsonl", lines)
        write_lines("val.jsonl", lines[:1])
        write_lines("test.jsonl", [{"inputs": "a new c", "target": "x new."}])
        options = {"source": "jsonl", "path": "a.jsonl", "allow_overlap": True, **FILES, **data}
        dataset: Dataset = make(options, "many_to_many", task={"alignment": "delayed"})
        return dataset

    return call


def names(spec: Any, ids: np.ndarray[Any, Any]) -> list[str]:
    assert isinstance(spec, Tokens) and spec.vocabulary is not None
    return spec.vocabulary.decode(ids.tolist())


def test_each_side_has_its_own_length(load: Any) -> None:
    dataset = load(unit="word")
    train: Sequences = dataset.train
    assert train.source_lengths is not None and train.lengths is not None
    assert train.source_lengths.tolist() == [3, 1, 2, 1, 2, 2]
    assert train.lengths.tolist() == [5, 3, 5, 3, 4, 3]
    assert names(dataset.inputs, train.inputs[0]) == ["a", "b", "c"]
    assert names(dataset.outputs, train.targets[0]) == ["x", ",", "y", ".", "<end>"]
    assert dataset.time_steps == 5
    assert dataset.record["T"] == 5 and dataset.record["S"] == 3


def test_what_training_never_saw_is_unknown_on_both_sides(load: Any) -> None:
    dataset = load(unit="word")
    assert names(dataset.inputs, dataset.test.inputs[0]) == ["a", UNKNOWN, "c"]
    assert names(dataset.outputs, dataset.test.targets[0]) == ["x", UNKNOWN, ".", "<end>"]


def test_texts_stay_as_they_were_written(load: Any) -> None:
    dataset = load(unit="word")
    assert dataset.test.texts == ("x new.",)
    assert dataset.outputs.text(dataset.train.targets[0]) == "x, y."
    letters = load(unit="character")
    assert letters.train.texts is None
    assert letters.outputs.text(letters.train.targets[0][:6]) == "x, y."


def test_ids_and_lists_of_labels(load: Any) -> None:
    lists = [([3, 1], [2, 0, 1]), ([2], [1]), ([0], [2]), ([1], [0]), ([3], [2])]
    with pytest.raises(Exception, match="expected a list"):
        load(lists, unit="id")  # the test file holds text
    files = {"val_path": None, "test_path": None, "split": {"train": 0.6, "val": 0.2, "test": 0.2}}
    dataset = load(lists, unit="id", **files)
    assert dataset.outputs.end == 0 and dataset.outputs.size == 4
    labels = load([(["p", "q"], ["r"]), *[([str(n)], ["s", "r"]) for n in range(9)]],
                  unit="label", **files)  # fmt: skip
    assert labels.train.texts is not None and set(labels.train.texts) <= {"r", "s r"}


def test_an_aligned_file_is_told_of_delayed_targets(refused: Any, write_lines: Any) -> None:
    write_lines("a.jsonl", [{"inputs": ["a", "b"], "target": ["x"]}] * 5)
    data = {"source": "jsonl", "path": "a.jsonl", "unit": "label"}
    problem = refused(data, "many_to_many")
    assert problem.code == "DAT125"
    assert problem.hint == "a sequence of its own length is task.alignment: delayed"


def test_batches(load: Any) -> None:
    """Inputs are the targets one step late; the sources are cut to the longest of the batch."""
    dataset = load(unit="word")
    batch = Batches(dataset, "train", 6, seed=0).take(np.array([1, 4]))
    assert batch.condition is not None and batch.condition_lengths is not None
    assert batch.condition.shape == (2, 2) and batch.condition_lengths.tolist() == [1, 2]
    assert batch.targets.shape == (4, 2) and batch.count == 3 + 4
    assert batch.steps == 3 + 4 + 1 + 2
    assert torch.equal(batch.inputs[1:], batch.targets[:-1])
    assert batch.inputs[0].tolist() == [0, 0]
    assert batch.texts == ("y!", "y y!")
    assert condition_of(batch) == (batch.condition, batch.condition_lengths)
