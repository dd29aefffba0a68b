"""Counts of who is taken for whom, held against scikit-learn."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch

from rnnexp.config.model_settings import Model
from rnnexp.config.task_settings import ManyToMany, ManyToOne
from rnnexp.data.batches import Batches
from rnnexp.data.dataset import Dataset, Sequences, Tokens, Values
from rnnexp.data.encoding import Vocabulary
from rnnexp.layers.assembly import build_network
from rnnexp.tasks.build import build_task
from rnnexp.tasks.confusion import (
    absent_classes,
    class_counts,
    class_scores,
    confusion_of,
    judges_classes,
    macro_f1,
)
from rnnexp.tasks.objective import Classification
from rnnexp.training.evaluation import evaluate


def answers(seed: int) -> tuple[Any, Any]:
    """Targets that lack class 0 and answers that lack class 1, of six."""
    rng = np.random.default_rng(seed)
    return rng.integers(1, 6, 50), rng.choice([0, 2, 3, 4, 5], 50)


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_scikit_learn(seed: int) -> None:
    theirs = pytest.importorskip("sklearn.metrics")
    truth, answered = answers(seed)
    confusion = confusion_of(truth, answered, 7)
    ids = list(range(7))
    assert (confusion == theirs.confusion_matrix(truth, answered, labels=ids)).all()
    # Without labels, its mean is over the classes that occur; class 6 is in neither.
    expected = theirs.f1_score(truth, answered, average="macro", zero_division=0.0)
    counts = class_counts(truth, answered, 7)
    assert macro_f1(counts) == pytest.approx(expected, rel=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        columns = theirs.precision_recall_fscore_support(
            truth, answered, labels=ids, zero_division=np.nan
        )
    for ours, precision, recall, f1, support in zip(
        class_scores(counts, tuple(map(str, ids))), *columns, strict=True
    ):
        assert ours.support == support
        for mine, its in ((ours.precision, precision), (ours.recall, recall), (ours.f1, f1)):
            assert mine == pytest.approx(its, rel=1e-12) if mine is not None else np.isnan(its)


def test_by_hand() -> None:
    truth, answered = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    assert confusion_of(truth, answered, 3).tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    counts = class_counts(truth, answered, 3)
    assert counts.tolist() == [[2, 1, 0], [2, 2, 0], [3, 1, 0]]
    assert macro_f1(counts) == pytest.approx((4 / 5 + 2 / 3) / 2)
    first, _, absent = class_scores(counts, ("a", "b", "c"))
    assert first.to_json() == {
        "class": "a", "support": 3, "precision": 1.0, "recall": 2 / 3, "f1": 4 / 5,
    }  # fmt: skip
    assert (absent.support, absent.precision, absent.recall, absent.f1) == (0, None, None, None)


def test_masked_steps_are_not_counted() -> None:
    output = torch.eye(3)[torch.tensor([0, 1, 2, 2])]
    target, mask = torch.tensor([0, 0, 2, 1]), torch.tensor([1.0, 1.0, 1.0, 0.0])
    counts = Classification(counted_classes=3).class_counts(output, target, mask)
    assert counts is not None
    assert counts.tolist() == [[1, 0, 1], [1, 1, 1], [2, 0, 1]]
    assert Classification().class_counts(output, target, mask) is None


@pytest.mark.parametrize(
    ("shape", "config"), [("many_to_one", ManyToOne), ("many_to_many", ManyToMany)]
)
def test_batches_add_up(make_dataset: Any, shape: str, config: Any) -> None:
    dataset = make_dataset(shape, classes=4, ragged=True)
    network = build_network(Model(hidden_sizes=(8,)), dataset)
    task = build_task(config(kind=shape), dataset)
    whole, parts = (
        evaluate(network, task, Batches(dataset, "test", size, seed=0), torch.device("cpu"))
        for size in (12, 5)
    )
    assert parts.class_counts is not None and whole.class_counts is not None
    assert (parts.class_counts == whole.class_counts).all()
    right, answered, targets = parts.class_counts.sum(axis=1).tolist()
    assert answered == targets == dataset.counted("test").sum()
    assert parts.metrics["accuracy"] == pytest.approx(right / targets)
    assert parts.metrics["macro_f1"] == macro_f1(parts.class_counts)


@pytest.mark.parametrize(
    ("source", "shape", "counted"),
    [
        ("jsonl", "many_to_one", True),
        ("jsonl", "many_to_many", True),
        ("jsonl", "one_to_many", False),
        ("text", "many_to_many", False),
    ],
)
def test_where_it_is_counted(source: str, shape: Any, counted: bool) -> None:
    part = Sequences(np.zeros((1, 1, 1), np.float32), np.zeros((1, 1), np.int64))
    dataset = Dataset(source, shape, part, part, part, Values(1), Tokens(3))
    assert judges_classes(dataset) == counted


def test_classes_that_the_test_part_lacks_are_named() -> None:
    def part(*classes: int) -> Sequences:
        return Sequences(np.zeros((len(classes), 1, 1), np.float32), np.array(classes))

    def line(*test: int) -> str | None:
        splits = part(0, 1, 2, 3), part(0), part(*test)
        names = Vocabulary(("a", "b\x1b", "c", "d", "never trained"))
        return absent_classes(Dataset("jsonl", "many_to_one", *splits, Values(1), Tokens(5, names)))

    assert line(0, 3, 2) == "the test part lacks 1 of 4 classes: 'b\\x1b'"
    assert line(0) == "the test part lacks 3 of 4 classes: 'b\\x1b', 'c', 'd'"
    assert line(3, 2, 1, 0) is None
