"""`runs verify`: a whole run is said to be whole, and any damage is found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rnnexp.cli.app import main
from rnnexp.recording import checkpoints

Capture = pytest.CaptureFixture[str]
CONFIG = """
name: verified
data: {source: sunspots, window: 5}
task: {kind: many_to_one}
model: {cell: gru, hidden_sizes: [4], output_dropout: 0.3}
training: {epochs: 3, batch_size: 40, checkpoint_steps: 2, threads: 1, log_every: 2}
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rnnexp.running.runner.SECONDS_BETWEEN", 0.0)
        patch.setattr("rnnexp.running.runner.LAST_KEPT", 9)
        assert main(["train", str(folder / "config.yaml"), "--runs", str(folder / "runs")]) == 0
    (run,) = (folder / "runs").iterdir()
    return run


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / original.name))


def verify(capsys: Capture, run: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["runs", "verify", str(run), "--json", *arguments])
    return code, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_whole_run(run: Path, capsys: Capture) -> None:
    code, found = verify(capsys, run, "--replay")
    assert code == 0
    assert found["whole"] and found["sealed"] and found["damage"] == [] and found["drift"] == []
    assert found["checkpoints"] == checkpoints.steps(run / "checkpoints")
    assert found["replay"]["tensors"] > 10 and found["replay"]["different"] == []


@pytest.mark.parametrize("name", ["metrics.jsonl", "summary.json", "data.json", "config.yaml"])
def test_a_changed_file_is_named(run: Path, capsys: Capture, name: str) -> None:
    data = bytearray((run / name).read_bytes())
    data[len(data) // 2] ^= 1
    (run / name).write_bytes(data)
    code, found = verify(capsys, run)
    assert code == 13
    assert any(each.startswith(name) for each in found["damage"])


def test_a_missing_file_and_a_flipped_bit_of_a_checkpoint(run: Path, capsys: Capture) -> None:
    (run / "predictions.jsonl").unlink()
    newest = run / "checkpoints" / str(checkpoints.steps(run / "checkpoints")[-1])
    weights = bytearray((newest / "tensors.safetensors").read_bytes())
    weights[-3] ^= 64
    (newest / "tensors.safetensors").write_bytes(weights)
    code, found = verify(capsys, run)
    assert code == 13
    assert "predictions.jsonl is missing" in found["damage"]
    assert any("SHA-256" in each for each in found["damage"])


def test_a_log_that_tells_a_step_twice(run: Path, capsys: Capture) -> None:
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join([*lines[:2], lines[1], *lines[2:]]))
    (run / "files.json").unlink()
    code, found = verify(capsys, run)
    assert code == 13
    assert any("comes after" in each for each in found["damage"])
    (run / "metrics.jsonl").write_text(lines[0])
    assert any("ends before" in each for each in verify(capsys, run)[1]["damage"])


def test_drift_is_named_and_no_damage(run: Path, capsys: Capture) -> None:
    (run / "files.json").unlink()
    environment = json.loads((run / "env.json").read_text())
    environment["threads"] = 7
    (run / "env.json").write_text(json.dumps(environment))
    code, found = verify(capsys, run)
    assert code == 0
    assert found["drift"] == ["threads: 7 when trained, 1 now"]


def test_other_bits_are_found_by_a_replay(run: Path, capsys: Capture) -> None:
    """A checkpoint whose hashes are right and whose weights nobody trained."""
    folder = run / "checkpoints"
    newest = checkpoints.load(folder / str(checkpoints.steps(folder)[-1]))
    name = next(name for name in newest.tensors if name.startswith("model/"))
    newest.tensors[name].view(-1)[0] += 1e-6
    checkpoints.save(folder, newest)
    assert verify(capsys, run)[0] == 0
    code, found = verify(capsys, run, "--replay")
    assert code == 13
    assert found["replay"]["different"] == [name]


def test_a_replay_within_an_epoch(run: Path, capsys: Capture) -> None:
    """From a checkpoint to one that was taken between two validations."""
    folder = run / "checkpoints"
    *_, begin, goal, end = checkpoints.steps(folder)
    shutil.rmtree(folder / str(end))
    code, found = verify(capsys, run, "--replay")
    assert checkpoints.load(folder / str(goal)).state["cursor"]["in_mid_epoch"]
    assert (code, found["replay"]["from"], found["replay"]["to"]) == (0, begin, goal)
