"""An encoder-decoder at the commands that measure one stack: refused, with another way to go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnnexp.cli.app import main

CONFIG = """
name: sums
data: {source: reversed_addition, digits: 1, train: 20, val: 5, test: 5}
task: {kind: many_to_many, alignment: delayed}
model: {cell: gru, hidden_sizes: [4]}
training: {epochs: 1}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RNNEXP_RUNS", raising=False)
    Path("sums.yaml").write_text(CONFIG, encoding="utf-8")
    return "sums.yaml"


@pytest.mark.parametrize(
    "command",
    [
        ["compare-manual"],
        ["compare-manual", "--steps"],
        ["diagnose"],
        ["diagnose", "--retrain"],
        ["train", "--verify"],
    ],
)
def test_what_knows_a_single_stack(
    config: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command[0], config, *command[1:], "--json"]) == 2
    (error,) = json.loads(capsys.readouterr().out.splitlines()[-1])["errors"]
    assert error["code"] == "CMD108"
    assert error["key"] == "task.alignment"
    assert "delayed_echo.yaml model.cell=gru" in error["hint"]
    assert not Path("runs").exists()


def test_plan_and_train(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", config]) == 0
    text = capsys.readouterr().out
    assert "encoder gru 1" in text and "attention general" in text and "decoder gru 1" in text
    assert main(["train", config, "model.decoder.attention=none", "task.beam=2"]) == 0
    text = capsys.readouterr().out
    assert "exact_match" in text
    assert main(["evaluate", "latest", "--split", "val"]) == 0
