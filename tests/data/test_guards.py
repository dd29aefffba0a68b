"""What config and data must agree on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

ADDING = {"source": "adding", "length": 20, "train": 8, "val": 4, "test": 4}
ORDER = {"source": "temporal_order", "length": 20, "train": 8, "val": 4, "test": 4}
ECHO = {"source": "delayed_echo", "length": 20, "train": 8, "val": 4, "test": 4}
LINES = [{"inputs": [float(i)] * (3 + i % 3), "target": [0.5] * (3 + i % 3)} for i in range(20)]
JSONL = {"source": "jsonl", "path": "a.jsonl"}


def test_input_size(make: Any, refused: Any) -> None:
    problem = refused(ADDING, model={"input_size": 8})
    assert "model.input_size is 8; features per step in the data: 2" in problem.message
    assert problem.position.line == 11
    assert "experiment.yaml:3" in problem.message
    make(ADDING, model={"input_size": 2})
    make(ORDER, model={"input_size": 8})
    make(ORDER, model={"input_size": 5, "embedding": 5})
    assert "8" in refused(ORDER, model={"input_size": 9}).message


def test_more_convolutions_than_an_image_can_be_halved(make: Any, refused: Any) -> None:
    pytest.importorskip("sklearn.datasets")
    digits = {"source": "digits", "view": "image"}
    model = {"image_encoder": {"channels": [2, 2, 2, 2]}}
    problem = refused(digits, "one_to_many", model=model)
    assert (problem.code, problem.allowed) == ("DAT241", "at most 3")
    make(digits, "one_to_many", model={"image_encoder": {"channels": [2, 2, 2]}})


def test_class_weights(make: Any, refused: Any, write_lines: Any) -> None:
    lines = [{"inputs": [float(i)], "target": "abc"[i % 3]} for i in range(30)]
    write_lines("a.jsonl", lines)
    task = {"target": "classification", "class_weights": [1.0, 2.0]}
    problem = refused(JSONL, task=task)
    assert problem.message == "2 class weights for 3 classes: a, b, c"
    assert problem.key == "task.class_weights"
    make(JSONL, task=task | {"class_weights": [1.0, 2.0, 3.0]})


def test_truncation_longer_than_the_sequences(make: Any, refused: Any, write_lines: Any) -> None:
    write_lines("a.jsonl", LINES)
    for k1 in (4, 5):
        make(JSONL, "many_to_many", training={"bptt": {"k1": k1, "k2": k1}})
    problem = refused(JSONL, "many_to_many", training={"bptt": {"k1": 6, "k2": 6}})
    assert problem.message == "k1 is 6, but the sequences are 5 steps long"
    assert problem.key == "training.bptt.k1"


def test_segments_as_long_as_the_sequences(make: Any, refused: Any, write_lines: Any) -> None:
    write_lines("a.jsonl", LINES)
    make(JSONL, "many_to_many", training={"bptt": {"full": True, "checkpoint_every": 4}})
    training = {"bptt": {"full": True, "checkpoint_every": 5}}
    problem = refused(JSONL, "many_to_many", training=training)
    assert problem.key == "training.bptt.checkpoint_every"
    assert problem.allowed == "1..4"


@pytest.mark.parametrize("kind", ["many_to_one", "many_to_many"])
def test_a_season_longer_than_what_lies_before_the_test_part(
    make: Any, refused: Any, kind: str
) -> None:
    data = {"source": "sunspots", "window": 8}
    begins = int(make(data, kind).test.origin[0])
    make(data | {"season": begins}, kind)
    problem = refused(data | {"season": begins + 1}, kind)
    assert problem.key == "data.season"
    assert problem.position.line == 5
    assert f"the test part begins at step {begins}" in problem.message


def test_a_metric_that_these_data_do_not_have(make: Any, refused: Any, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("v\n" + "1\n2\n" * 50)
    series = {"source": "csv", "path": "a.csv", "value": "v", "window": 5}
    scaled = {"monitor": "val/mase"}
    make(series, training=scaled)
    problem = refused(series | {"season": 2}, training=scaled)
    assert problem.message.startswith("there is no mase of this series")
    assert (problem.code, problem.suggestion) == ("DAT158", "val/mae")
    assert "there is no mase" in refused(series | {"season": 80}, training=scaled).message


def test_a_class_that_stands_alone(refused: Any, write_lines: Any) -> None:
    write_lines("a.jsonl", [{"inputs": [float(i)], "target": "a"} for i in range(30)])
    assert "single class" in refused(JSONL, task={"target": "classification"}).message


def test_an_empty_part(refused: Any) -> None:
    split = {"train": 0.999, "val": 0.0005, "test": 0.0005}
    problem = refused({"source": "sunspots", "split": split})
    assert "the val split has 0 examples" in problem.message
    assert problem.key == "data.split.val"
    assert problem.position.line == 6


def test_the_record(make: Any) -> None:
    record = make(ECHO, "many_to_many").record
    assert record["source"] == "delayed_echo"
    assert record["splits"] == {"train": 8, "val": 4, "test": 4}
    assert record["T"] == 20
    assert record["outputs"] == {
        "kind": "tokens",
        "tokens": 4,
        "vocabulary": None,
        "end": None,
    }
    record = make({"source": "sunspots"}).record
    assert record["inputs"]["features"] == 1
    assert record["inputs"]["names"] == ["sunspots"]
    assert set(record["inputs"]["scaler"]) == {"shift", "scale", "log"}
