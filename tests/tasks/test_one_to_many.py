"""Free generation: each step reads the network's own last answer, and exact match is strict."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from rnnexp.config.model_settings import Model
from rnnexp.data.batches import Batches
from rnnexp.layers.assembly import build_network
from rnnexp.tasks.objective import Classification, Regression
from rnnexp.tasks.one_to_many import OneToManyTask, generate


def batch_of(dataset: Any) -> Any:
    return Batches(dataset, "train", 12, 0).take(np.arange(12))


def test_inputs_are_the_targets_one_step_late(make_dataset: Any) -> None:
    tokens = batch_of(make_dataset("one_to_many", classes=5))
    assert torch.equal(tokens.inputs[1:], tokens.targets[:-1])
    assert not tokens.inputs[0].any()
    values = batch_of(make_dataset("one_to_many"))
    assert torch.equal(values.inputs[1:], values.targets[:-1])
    assert not values.inputs[0].any()


def test_generation_by_hand(make_dataset: Any) -> None:
    for conditioning in ("initial_state", "every_step"):
        dataset = make_dataset("one_to_many", classes=5)
        network = build_network(Model(cell="gru", hidden_sizes=(4, 3)), dataset, conditioning)
        batch = batch_of(dataset)
        answers = generate(network, batch, classes=True)
        # Feeding the generated sequence back, one step late, must give the same answers.
        inputs = torch.roll(answers, 1, dims=0)
        inputs[0] = 0
        output, _ = network(inputs, None, None, batch.condition)
        assert torch.equal(output.argmax(-1), answers)


def test_exact_match_counts_whole_sequences_up_to_their_end(make_dataset: Any) -> None:
    dataset = make_dataset("one_to_many", classes=5, ragged=True)
    network = build_network(Model(hidden_sizes=(4,)), dataset, "initial_state")
    task, batch = OneToManyTask(Classification(), end=0), batch_of(dataset)
    answers = generate(network, batch, classes=True)
    right = [
        bool((answers[: int(n), b] == batch.targets[: int(n), b]).all())
        for b, n in enumerate(batch.lengths)
    ]
    score, _ = task.score(network, batch, None)
    assert task.metrics(score)["exact_match"] == np.mean(right)
    batch.targets.copy_(answers)
    score, _ = task.score(network, batch, None)
    assert task.metrics(score)["exact_match"] == 1.0


def test_values_are_judged_on_the_free_sequence(make_dataset: Any) -> None:
    dataset = make_dataset("one_to_many")
    network = build_network(Model(hidden_sizes=(4,)), dataset, "initial_state")
    task, batch = OneToManyTask(Regression("mse", None), end=None), batch_of(dataset)
    score, _ = task.score(network, batch, None)
    free = generate(network, batch, classes=False)
    expected = (free - batch.targets).square().mean()
    torch.testing.assert_close(torch.tensor(task.metrics(score)["mse"]).float(), expected)
