"""`diagnose` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnnexp.cli.app import main

CONFIG = """
name: echo
data: {source: delayed_echo, length: 20, delay: 5, train: 100, val: 40, test: 40}
task: {kind: many_to_many}
model: {cell: gru, hidden_sizes: [6, 5]}
training: {epochs: 1, batch_size: 20, clip: {norm: 1.0}, bptt: {k1: 4, k2: 4}}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RNNEXP_RUNS", raising=False)
    Path("echo.yaml").write_text(CONFIG, encoding="utf-8")
    return "echo.yaml"


def test_a_config_says_what_needs_a_run(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", config]) == 0
    text = capsys.readouterr().out
    assert "truncated: the gradient is cut off" in text
    assert "k2 is 4: the gradient goes back 3 steps at most, the target needs 5" in text
    assert "rnnexp train echo.yaml training.bptt.k2=9" in text
    assert text.count("needs a run") == 2
    assert "update gate z" in text
    assert "cosine" in text
    assert sorted(path.name for path in Path().iterdir()) == ["echo.yaml"]
    assert main(["diagnose", config, "training.bptt.k2=8", "model.cell=lstm"]) == 0
    text = capsys.readouterr().out
    assert "forget gate f" in text
    assert text.split("\n\n")[1].startswith("healthy")


def test_a_run_keeps_pictures_and_numbers(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", config]) == 0
    capsys.readouterr()
    assert main(["diagnose", "latest", "--json"]) == 0
    captured = capsys.readouterr()
    (network,) = json.loads(captured.out)["networks"]
    assert network["trained"] and network["needed"] == 5
    assert network["clipping"]["updates"] == 20  # of 25 windows 5 have no target
    assert network["order"]["model"]["metric"] == "accuracy"
    assert [layer["layer"] for layer in network["layers"]] == ["layer 1", "layer 2"]
    spread = network["layers"][0]["jacobian"]["spectral"]
    assert spread["mean"][0] == pytest.approx(1) and len(spread["mean"]) == 21
    assert "of the steps clipped" in captured.err
    (run,) = Path("runs").iterdir()
    assert json.loads((run / "diagnosis.json").read_text())["name"] == "echo"
    for name in ("jacobian", "contributions", "singular_values"):
        assert (run / "plots" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"


def test_several_side_by_side(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name, cell in (("a", "rnn"), ("b", "lstm")):
        assert main(["train", config, f"name={name}", f"model.cell={cell}"]) == 0
    capsys.readouterr()
    runs = sorted(path.name for path in Path("runs").iterdir())
    assert main(["diagnose", *runs, "--out", "both"]) == 0
    text = capsys.readouterr().out
    assert "half-life" in text and "left at need" in text
    assert {line.split()[0] for line in text.splitlines() if line[:2] in ("a ", "b ")} == {"a", "b"}
    assert sorted(path.name for path in Path("both").iterdir()) == [
        "contributions.png",
        "diagnosis.json",
        "jacobian.png",
        "singular_values.png",
    ]


def test_every_shape_and_recurrence(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("waves.yaml").write_text(
        "name: w\ndata: {source: waveforms, train: 60, val: 20, test: 20}\n"
        "task: {kind: one_to_many, conditioning: every_step}\n"
        "model: {cell: rnn, recurrence: output_to_output, hidden_sizes: [4, 3]}\n"
        "training: {epochs: 1}\n",
        encoding="utf-8",
    )
    Path("order.yaml").write_text(
        "name: o\ndata: {source: temporal_order, length: 20, train: 60, val: 20, test: 20}\n"
        "task: {kind: many_to_one}\n"
        "model: {cell: lstm, layer_norm: true, bidirectional: true, hidden_sizes: [4, 3]}\n"
        "training: {epochs: 1}\n",
        encoding="utf-8",
    )
    for name in ("waves.yaml", "order.yaml"):
        assert main(["train", name]) == 0
        assert main(["diagnose", "latest", "--retrain"]) == 0, name
    text = capsys.readouterr().out
    assert "layer 2 W_oo" in text
    assert "layer 1 backward" in text
    assert "order of the data" in text


def test_data_that_do_not_tell_their_reach_are_not_called_truncated(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("sines.yaml").write_text(
        "name: s\ndata: {source: sine_mixture, length: 600, window: 12}\n"
        "task: {kind: many_to_many}\nmodel: {hidden_sizes: [4]}\n"
        "training: {bptt: {k1: 3, k2: 6}}\n",
        encoding="utf-8",
    )
    assert main(["diagnose", "sines.yaml"]) == 0
    text = capsys.readouterr().out
    assert "healthy" in text and "after 5 steps" in text and "the sequences have 12" in text


def test_the_remedy_keeps_what_was_given(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["seed=3", "training.bptt.k1=2", "training.bptt.k2=3"]
    assert main(["diagnose", config, *given]) == 0
    command = "rnnexp train echo.yaml seed=3 training.bptt.k1=2 training.bptt.k2=7"
    text = capsys.readouterr().out
    assert command in text
    assert main(["diagnose", *command.split()[2:]]) == 0
    assert "truncated:" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ([], 2),
        (["model.cell=rnn"], 2),
        (["nothing.yaml"], 2),
        (["no-such-run"], 2),
        (["echo.yaml", "--sequences", "0"], 2),
        (["echo.yaml", "model.cell=rnnn"], 2),
        (["echo.yaml", "model.bidirectional=true"], 3),
    ],
)
def test_wrong_use(
    config: str, given: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diagnose", *given]) == code
    assert "error[" in capsys.readouterr().err


def test_a_run_is_what_was_trained(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", config]) == 0
    capsys.readouterr()
    assert main(["diagnose", "latest", "model.hidden_sizes=[16]"]) == 2
    assert "error[CMD107] model" in capsys.readouterr().err
    assert main(["diagnose", "latest", "training.bptt.k2=8"]) == 0
    (run,) = Path("runs").iterdir()
    assert not (run / "diagnosis.json").exists()  # it is not a diagnosis of that run
    assert main(["compare-manual", "model.cell=gru"]) == 2
