"""Every answer beside its target, whatever the shape of the task and the order of scoring."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from rnnexp.config.model_settings import Model
from rnnexp.data.batches import Batches
from rnnexp.data.dataset import Dataset, Sequences, Tokens
from rnnexp.data.encoding import Vocabulary
from rnnexp.layers.assembly import build_network
from rnnexp.running.conclusion import prediction_records
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.many_to_one import ManyToOneTask
from rnnexp.tasks.objective import Classification, Regression
from rnnexp.tasks.one_to_many import OneToManyTask
from rnnexp.tasks.scores import Intervals
from rnnexp.training.evaluation import Answers, evaluate

NAMES = Vocabulary(("<end>", "a", "b", "c"))


def answers(dataset: Dataset, **batches: Any) -> Answers:
    torch.manual_seed(0)
    network = build_network(Model(hidden_sizes=(8,)), dataset)
    numbers = not isinstance(dataset.outputs, Tokens)
    objective = Regression("mse", None) if numbers else Classification()
    if dataset.shape == "one_to_many":
        task: Any = OneToManyTask(objective, 0)
    else:
        task = (ManyToOneTask if dataset.shape == "many_to_one" else ManyToManyTask)(objective)
    cut = Batches(dataset, "test", batches.pop("batch_size", 5), seed=0, **batches)
    found = evaluate(network, task, cut, torch.device("cpu"), keep_answers=True).answers
    assert found is not None
    return found


def named(dataset: Dataset) -> Dataset:
    return replace(dataset, outputs=Tokens(4, NAMES, end=0))


def test_classes_by_name_with_the_probability_of_the_answer(make_dataset: Any) -> None:
    dataset = named(make_dataset("many_to_one", classes=4))
    dataset = replace(dataset, test=replace(dataset.test, origin=np.arange(100, 112)))
    found = answers(dataset)
    records = list(prediction_records(found, dataset, "test"))
    assert [record["example"] for record in records] == list(range(100, 112))
    assert [record["target"] for record in records] == NAMES.decode(dataset.test.targets)
    torch.manual_seed(0)
    network = build_network(Model(hidden_sizes=(8,)), dataset).eval()
    with torch.no_grad():
        scores, _ = network(torch.from_numpy(dataset.test.inputs).transpose(0, 1), None, None)
    theirs = scores.softmax(-1).max(-1)
    assert [record["prediction"] for record in records] == NAMES.decode(theirs.indices.tolist())
    ours = [record["probability"] for record in records]
    assert ours == pytest.approx(theirs.values.tolist(), abs=2e-6)  # written with six digits


@pytest.mark.parametrize("part", [None, 2])
@pytest.mark.parametrize("ragged", [True, False])
def test_an_answer_per_step_is_a_list_per_example(
    make_dataset: Any, part: int | None, ragged: bool
) -> None:
    dataset = named(make_dataset("many_to_many", classes=4, ragged=ragged))
    records = list(prediction_records(answers(dataset, part=part), dataset, "test"))
    counted = dataset.counted("test")
    assert len(records) == len(dataset.test)
    for n, record in enumerate(records):
        assert record["example"] == n
        assert record["target"] == NAMES.decode(dataset.test.targets[n][counted[n]])
        assert len(record["target"]) == len(record["prediction"]) == len(record["probability"])


def test_streams_are_put_back_in_order(make_dataset: Any) -> None:
    dataset = make_dataset("many_to_many", consecutive=True)
    dataset = replace(dataset, test=replace(dataset.test, origin=np.arange(0, 72, 6)))
    found = answers(dataset, batch_size=3, carry=True, part=4)
    records = list(prediction_records(found, dataset, "test"))
    assert [record["index"] for record in records] == list(range(72))
    targets = np.array([record["target"] for record in records])
    assert np.array_equal(targets, dataset.test.targets.reshape(72, 2).astype(float))


def test_numbers_of_sequences_that_stand_alone(make_dataset: Any) -> None:
    dataset = make_dataset("one_to_many", ragged=True)
    intervals = Intervals.fit(np.array([[-1.0, 0.0], [1.0, 4.0]]))
    records = list(prediction_records(answers(dataset), dataset, "test", intervals))
    assert len(records) == dataset.counted("test").sum()
    last = records[-1]
    assert (last["example"], last["step"]) == (11, dataset.test.lengths[-1] - 1)
    assert last["index"] == 11 * dataset.time_steps + last["step"]
    spread = np.subtract(last["high"], last["low"])
    assert spread == pytest.approx([0.95 * 2, 0.95 * 4])


def test_generated_tokens_end_with_their_own_end() -> None:
    steps = np.tile(np.arange(4), 2)
    found = Answers(
        rows=np.repeat([0, 1], 4),
        steps=steps,
        counted=np.array([1, 1, 1, 0, 1, 1, 0, 0], bool),
        target=np.array([1, 2, 0, 0, 3, 0, 0, 0]),
        prediction=np.array([1, 0, 2, 2, 3, 3, 3, 3]),
    )
    part = Sequences(np.zeros(2, np.int64), np.zeros((2, 4), np.int64), origin=np.array([7, 9]))
    dataset = Dataset("jsonl", "one_to_many", part, part, part, Tokens(2), Tokens(4, NAMES, end=0))
    first, second = prediction_records(found, dataset, "test")
    assert first == {"example": 7, "target": ["a", "b"], "prediction": ["a"]}
    # Longer than the truth: it is shown as far as it was generated.
    assert second == {"example": 9, "target": ["c"], "prediction": ["c", "c", "c", "c"]}


def test_ids_without_names_stay_ids(make_dataset: Any) -> None:
    dataset = make_dataset("many_to_one", classes=3)
    for record in prediction_records(answers(dataset), dataset, "test"):
        assert {type(record["target"]), type(record["prediction"])} == {int}
