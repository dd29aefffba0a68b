"""`compare-manual` and `train --verify` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from rnnexp.cli.app import main
from rnnexp.layers.direction import HiddenDirection

CONFIG = """
name: sines
data: {source: sine_mixture, length: 400, window: 8}
task: {kind: many_to_one}
model: {cell: lstm, hidden_sizes: [4, 3]}
training: {epochs: 1}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RNNEXP_RUNS", raising=False)
    Path("sines.yaml").write_text(CONFIG, encoding="utf-8")
    return "sines.yaml"


def sabotage(monkeypatch: pytest.MonkeyPatch) -> None:
    right = vars(HiddenDirection)["weights"].fget

    def without_a_bias(direction: HiddenDirection) -> tuple[torch.Tensor, ...]:
        W_xh, W_hh, b_xh, b_hh = right(direction)
        return W_xh, W_hh, torch.zeros_like(b_xh), b_hh

    monkeypatch.setattr(HiddenDirection, "weights", property(without_a_bias))


def test_words_say_what_is_not_compared(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{"inputs": f"{a} {b} c", "target": a} for a in "xyz" for b in "abcdefghij"]
    Path("a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    Path("words.yaml").write_text(
        "name: words\n"
        "data: {source: jsonl, path: a.jsonl, unit: word, target_unit: label}\n"
        "task: {kind: many_to_one}\n"
        "model: {hidden_sizes: [4], embedding: 3, pooling: max, characters: {hidden_size: 2}}\n"
        "training: {label_smoothing: 0.1}\n"
    )
    assert main(["compare-manual", "words.yaml", "--steps", "--json"]) == 0
    captured = capsys.readouterr()
    assert "10 tensors that read words" in captured.err
    result = json.loads(captured.out)
    assert "encode.embedding.weight" in result["not_compared"]
    assert len(result["steps"][0]["x"]) == 3 + 2 * 2
    assert main(["diagnose", "words.yaml"]) == 0
    assert "healthy" in capsys.readouterr().out


def test_the_lecture(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare-manual"]) == 0
    text = capsys.readouterr().out
    assert "W_xh (2, 5), W_hh (2, 2), b_xh (2,), b_hh (2,)" in text
    for digits in ("-0.470192", "0.586390", "-0.888831", "-1.307470", "-0.684243", "0.76074"):
        assert digits in text
    assert text.rstrip().splitlines()[-1].startswith("equal")
    assert max(len(line) for line in text.splitlines()) <= 100


def test_a_config(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["compare-manual", config, "model.cell=gru", "--steps", "--layer", "2", "--show-gates"]
    assert main(given) == 0
    text = capsys.readouterr().out
    assert "layer 2, first sequence" in text
    assert "layer 1 dL/dW_hh" in text
    assert "finite differences" in text
    assert "\nt = 8\n" in text
    assert not Path("runs").exists()


def test_json_holds_everything(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare-manual", config, "--json", "--sequences", "2"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["passed"] and found["sequences"] == 2 and found["time_steps"] == 8
    assert [c["precision"] for c in found["comparisons"]] == ["float64", "float32"] * len(
        found["paths"]
    )
    labels = [row["tensor"] for row in found["comparisons"][0]["rows"]]
    assert {"layer 2 h", "output o", "loss L", "layer 1 W_xh", "output b_o"} <= set(labels)
    shares = [each["share"] for each in found["contributions"]["layer 2 W_hh"]]
    assert sum(shares) == pytest.approx(1)
    assert "equal" in captured.err


def test_a_run_keeps_the_comparison(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", config]) == 0
    assert main(["compare-manual", "latest"]) == 0
    assert "checkpoint of step" in capsys.readouterr().out
    (run,) = Path("runs").iterdir()
    assert json.loads((run / "compare_manual.json").read_text())["passed"] is True


def test_a_difference_is_exit_13_and_named(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sabotage(monkeypatch)
    assert main(["compare-manual", config, "--json"]) == 13
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert not found["passed"]
    named = {error["key"]: error for error in found["errors"]}
    assert named["layer 1 b_xh"]["exit"] == 13
    assert "error[CHK101] layer 1 b_xh" in captured.err
    assert "NOT equal" in captured.err


def test_train_verifies_before_the_first_step(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", config, "--verify"]) == 0
    (run,) = Path("runs").iterdir()
    assert json.loads((run / "compare_manual.json").read_text())["passed"] is True
    sabotage(monkeypatch)
    assert main(["train", config, "--verify"]) == 13
    assert "layer 1 b_xh" in capsys.readouterr().err
    assert len(list(Path("runs").iterdir())) == 1


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (["sines.yaml", "--layer", "2"], 2),
        (["sines.yaml", "--show-gates"], 2),
        (["sines.yaml", "--steps", "--layer", "3"], 2),
        (["sines.yaml", "--sequences", "0"], 2),
        (["nothing.yaml"], 2),
        (["no-such-run"], 2),
        (["sines.yaml", "model.hidden_sizes=0"], 2),
        (["sines.yaml", "model.recurrence=output_to_hidden"], 3),
    ],
)
def test_wrong_use(
    config: str, given: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare-manual", *given]) == code
    assert "error[" in capsys.readouterr().err
