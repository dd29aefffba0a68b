"""`train`, `plan` and `evaluate` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnnexp.cli.app import main

CONFIG = """
name: sines
data: {source: sine_mixture, length: 400, window: 8}
task: {kind: many_to_one}
model: {hidden_sizes: [4]}
training: {epochs: 1}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RNNEXP_RUNS", raising=False)
    Path("sines.yaml").write_text(CONFIG, encoding="utf-8")
    return "sines.yaml"


def test_train_writes_under_runs_and_prints_the_score(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", config, "seed=2", "--set", "model.cell=gru"]) == 0
    text = capsys.readouterr().out
    assert "persistence" in text
    assert "test/rmse" in text
    (run,) = Path("runs").iterdir()
    assert run.name in text
    assert (run / "overrides.txt").read_text() == "seed=2\nmodel.cell=gru\n"


def test_json_is_one_object_last_on_stdout(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", config, "--json", "--runs", "elsewhere"]) == 0
    streams = capsys.readouterr()
    (line,) = streams.out.splitlines()
    result = json.loads(line)
    assert set(result) == {"run", "status", "metrics", "baselines", "seconds", "steps"}
    assert "persistence" in streams.err
    assert main(["evaluate", "latest", "--runs", "elsewhere", "--json"]) == 0
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert again["metrics"]["test/rmse"] == result["metrics"]["test/rmse"]


def test_plan_writes_nothing(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", config]) == 0
    assert "per epoch" in capsys.readouterr().out
    assert main(["plan", config, "--json"]) == 0
    planned = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert planned["steps"] > 0
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["train", "absent.yaml"], 2),
        (["train", "sines.yaml", "model.hiden_sizes=[3]"], 2),
        (["train", "sines.yaml", "training.max_steps=1,2,3"], 2),
        (["train", "sines.yaml", "model.dropout=0.5"], 3),
        (["train", "sines.yaml", "data.window=1000"], 4),
        (["train", "sines.yaml", "training.device=cuda"], 12),
        (["evaluate", "no-such-run"], 2),
    ],
)
def test_exit_codes_and_no_folder_left(
    config: str, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int
) -> None:
    assert main([*arguments, "--json"]) == code
    errors = json.loads(capsys.readouterr().out.splitlines()[-1])["errors"]
    assert {error["exit"] for error in errors} == {code}
    assert not Path("runs").exists() or not list(Path("runs").iterdir())
