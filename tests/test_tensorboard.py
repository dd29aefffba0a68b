"""What TensorBoard reads is what the log says, and it changes nothing."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorboard")

from rnnexp.cli.app import main
from rnnexp.recording import checkpoints

CONFIG = """
name: small
data: {source: adding, length: 8, train: 96, val: 32, test: 32}
task: {kind: many_to_one}
model: {cell: lstm, hidden_sizes: [4, 3], dropout: 0.2}
training: {epochs: 4, batch_size: 16, log_every: 2, clip: {norm: 0.5}, threads: 1}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def train(config: Path, runs: str, *options: str) -> Path:
    folder = config.parent / runs
    assert main(["train", str(config), "--runs", str(folder), *options]) == 0
    (run,) = folder.iterdir()
    return run


def read(run: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        found = EventAccumulator(
            str(run / "tensorboard"), size_guidance={"scalars": 0, "histograms": 0}
        )
        found.Reload()
    return found


def records(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def logged(run: Path, name: str) -> list[tuple[int, float]]:
    return [(line["step"], line[name]) for line in records(run) if name in line]


def test_every_number_of_the_log_is_there(config: Path) -> None:
    run = train(config, "runs", "--tensorboard")
    events = read(run)
    names = {name for line in records(run) for name in line} - {"step", "epoch"}
    assert names <= set(events.Tags()["scalars"])
    for name in names:
        ours = [(event.step, event.value) for event in events.Scalars(name)]
        theirs = logged(run, name)
        assert [step for step, _ in ours] == [step for step, _ in theirs]
        assert [v for _, v in ours] == pytest.approx([v for _, v in theirs], rel=1e-6)


def test_weights_and_gradients_of_each_layer_at_each_validation(config: Path) -> None:
    run = train(config, "runs", "--tensorboard")
    events = read(run)
    tags = events.Tags()["histograms"]
    names = [tag.partition("/")[2] for tag in tags if tag.startswith("weights/")]
    assert names and {f"gradients/{name}" for name in names} <= set(tags)
    steps = [line["step"] for line in records(run) if "val/loss" in line]
    for tag in tags:
        assert [event.step for event in events.Histograms(tag)] == steps
    last = events.Histograms(f"weights/{names[0]}")[-1].histogram_value
    newest = checkpoints.load(run / "checkpoints" / str(steps[-1]))
    weight = newest.tensors[f"model/{names[0]}"]
    assert last.num == weight.numel()
    assert (last.min, last.max) == pytest.approx((weight.min().item(), weight.max().item()))


def test_it_changes_no_bit(config: Path) -> None:
    with_events, without = train(config, "a", "--tensorboard"), train(config, "b")
    steps = checkpoints.steps(with_events / "checkpoints")
    assert steps == checkpoints.steps(without / "checkpoints")
    for step in steps:
        file = Path("checkpoints") / str(step) / "tensors.safetensors"
        assert (with_events / file).read_bytes() == (without / file).read_bytes()
    assert not (without / "tensorboard").exists()


def test_settings_and_final_metrics_are_there(config: Path) -> None:
    run = train(config, "runs", "--tensorboard")
    events = read(run)
    assert "_hparams_/session_start_info" in events.summary_metadata
    told = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert b"model.cell" in told and b"lstm" in told
    summary = json.loads((run / "summary.json").read_text())
    (test_loss,) = events.Scalars("test/loss")
    assert test_loss.value == pytest.approx(summary["metrics"]["test/loss"], rel=1e-6)


def test_a_run_that_goes_on_remembers_it_and_doubles_no_step(config: Path) -> None:
    run = train(config, "runs", "--tensorboard", "training.epochs=2")
    assert main(["resume", str(run), "--extend", "training.epochs=4"]) == 0
    steps = [event.step for event in read(run).Scalars("train/loss")]
    assert steps == [step for step, _ in logged(run, "train/loss")]


def test_a_missing_extra_is_said_before_anything_is_trained(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    runs = str(config.parent / "runs")
    assert main(["train", str(config), "--tensorboard", "--runs", runs]) == 12
    assert "rnnexp[tensorboard]" in capsys.readouterr().err
    assert not Path(runs).exists()
    assert "tensorflow" not in sys.modules
