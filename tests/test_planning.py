from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rnnexp.running.planning import plan

MODEL = {"cell": "lstm", "hidden_sizes": (8, 4)}
SINES = {"source": "sine_mixture", "length": 2000, "window": 40}


def test_the_plan_of_a_truncated_training(make_config: Any, tmp_path: Path) -> None:
    config = make_config(
        data=SINES,
        task={"kind": "many_to_many"},
        model=MODEL,
        training={"epochs": 5, "batch_size": 4, "bptt": {"k1": 10, "k2": 20}},
    )
    planned = plan(config)
    assert [row["return_sequences"] for row in planned["shape"]] == [None, True, True, None]
    # gates * H * (I + H + 2 biases), and the output layer
    assert planned["parameters"] == 4 * 8 * (1 + 8 + 2) + 4 * 4 * (8 + 4 + 2) + 5
    assert (planned["depth"], planned["time_steps"]) == (20, 40)
    assert planned["memory_bytes"]["truncated"] < planned["memory_bytes"]["full"]
    windows = -(-planned["data"]["train"] // 4)
    assert planned["steps_per_epoch"] == 4 * windows
    assert planned["steps"] == 5 * planned["steps_per_epoch"]
    assert planned["seconds_per_epoch"] == pytest.approx(
        planned["seconds_per_step"] * planned["steps_per_epoch"]
    )
    assert not list(tmp_path.iterdir())


def test_the_plan_of_a_training_in_segments(make_config: Any) -> None:
    training = {"batch_size": 4, "bptt": {"full": True, "checkpoint_every": 5}}
    config = make_config(data=SINES, task={"kind": "many_to_one"}, model=MODEL, training=training)
    planned = plan(config)
    assert (planned["depth"], planned["time_steps"]) == (5 + 40 // 5, 40)
    assert planned["memory_bytes"]["checkpointed"] < planned["memory_bytes"]["full"]


def test_limits_bound_the_plan(make_config: Any) -> None:
    training = {"epochs": 1000, "max_steps": 50, "max_minutes": 1e-6}
    config = make_config(data=SINES, task={"kind": "many_to_one"}, model=MODEL, training=training)
    planned = plan(config)
    assert planned["steps"] == 50
    assert planned["seconds"] == pytest.approx(6e-5)
