"""`resume` as it is typed: what it goes on from, what it refuses, what it says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rnnexp.cli.app import main
from rnnexp.recording import checkpoints
from rnnexp.recording.run_folder import RunFolder
from rnnexp.training import interrupt

Capture = pytest.CaptureFixture[str]
Run = Callable[[], Path]

CONFIG = """
name: small
data: {source: csv, path: data.csv, value: up, window: 6}
task: {kind: many_to_one}
model: {cell: gru, hidden_sizes: [6]}
training: {epochs: 4, batch_size: 10, checkpoint_steps: 5, threads: 1, log_every: 1}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Path]:
    """The folder of a config, its data and its run, finished or stopped after 25 updates."""

    @cache
    def make(finished: bool) -> Path:
        folder = tmp_path_factory.mktemp("finished" if finished else "stopped")
        values = [f"{20 + (i * 7) % 13 + i / 50:.2f}" for i in range(160)]
        (folder / "data.csv").write_text("up\n" + "\n".join(values) + "\n", encoding="utf-8")
        (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
        runs = str(folder / "runs")
        with pytest.MonkeyPatch.context() as patch:
            if not finished:
                patch.setattr("rnnexp.training.journal.Journal.checkpoint_due", stop_at(25))
            code = main(["train", str(folder / "config.yaml"), "--runs", runs])
        assert code == (0 if finished else 143)
        return folder

    return make


def stop_at(step: int) -> Any:
    """A look whether a checkpoint is due, with a signal that comes during update `step`."""
    import os
    import signal

    def due(journal: Any, now: int) -> bool:
        if now == step:
            os.kill(os.getpid(), signal.SIGTERM)
        return now % 5 == 0

    return due


@pytest.fixture
def stopped(trained: Callable[[bool], Path]) -> Run:
    """The run that was stopped, as it was. Its data stay where they are."""
    kept = trained(False) / "kept"
    (run,) = (path for path in (trained(False) / "runs").iterdir())
    if not kept.exists():
        shutil.copytree(run, kept)
    shutil.rmtree(run)
    shutil.copytree(kept, run)
    return lambda: run


def errors(capsys: Capture) -> list[dict[str, Any]]:
    found = json.loads(capsys.readouterr().out.splitlines()[-1])["errors"]
    assert isinstance(found, list)
    return found


def log_of(run: Path) -> list[dict[str, Any]]:
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [{k: v for k, v in x.items() if k not in ("seconds", "tokens_per_s")} for x in lines]


def finished(trained: Callable[[bool], Path]) -> Path:
    (run,) = (trained(True) / "runs").iterdir()
    return run


def newest(run: Path) -> Path:
    return run / "checkpoints" / str(checkpoints.steps(run / "checkpoints")[-1])


def test_it_goes_on_to_the_same_end(
    stopped: Run, trained: Callable[[bool], Path], capsys: Capture
) -> None:
    run, whole = stopped(), finished(trained)
    assert main(["resume", str(run), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    expected = json.loads((whole / "summary.json").read_text())
    assert summary["metrics"] == expected["metrics"]
    assert log_of(run) == log_of(whole)
    status = json.loads((run / "status.json").read_text())
    assert status["state"] == "finished"
    assert status["resumes"] == [{"step": 26, "extend": [], "drift": []}]


def test_a_finished_run_is_left_as_it_is_unless_extended(
    stopped: Run, capsys: Capture, trained: Callable[[bool], Path], tmp_path: Path
) -> None:
    run = stopped()
    assert main(["resume", str(run)]) == 0
    before = (run / "metrics.jsonl").read_bytes()
    capsys.readouterr()
    assert main(["resume", str(run)]) == 0
    said = capsys.readouterr().out
    assert "already finished at epoch 4" in said and "--extend training.epochs=N" in said
    assert (run / "metrics.jsonl").read_bytes() == before
    assert main(["resume", str(run), "--extend", "training.epochs=6"]) == 0
    assert (run / "metrics.jsonl").read_bytes().startswith(before)
    assert json.loads((run / "summary.json").read_text())["epochs"] == 6
    assert "epochs: 6" in (run / "resolved.yaml").read_text()
    resumes = json.loads((run / "status.json").read_text())["resumes"]
    assert resumes[-1]["extend"] == ["training.epochs=6"]
    runs = str(tmp_path / "at-once")
    assert main(["train", str(run / "resolved.yaml"), "--runs", runs]) == 0
    (at_once,) = Path(runs).iterdir()
    assert log_of(run) == log_of(at_once)


def test_only_the_length_can_be_extended(stopped: Run, capsys: Capture) -> None:
    run = str(stopped())
    assert main(["resume", run, "--extend", "training.batch_size=5", "--json"]) == 2
    assert errors(capsys)[0]["code"] == "CMD130"
    assert main(["resume", run, "--extend", "training.epoch=5", "--json"]) == 2
    assert main(["resume", "absent", "--json"]) == 2


@pytest.mark.parametrize("damage", ["truncated", "flipped", "header", "missing"])
def test_a_damaged_checkpoint_is_said_kept_and_passed_over(
    stopped: Run, trained: Callable[[bool], Path], capsys: Capture, damage: str
) -> None:
    run, whole = stopped(), finished(trained)
    place = newest(run)
    file = place / "tensors.safetensors"
    data = bytearray(file.read_bytes())
    if damage == "truncated":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        data[-5] ^= 1
        file.write_bytes(data)
    elif damage == "header":
        file.write_bytes((2**63 - 1).to_bytes(8, "little") + data[8:])
    else:
        file.unlink()
    assert main(["resume", str(run), "--no-fallback", "--json"]) == 5
    assert errors(capsys)[0]["code"] == "CKP010"
    assert main(["resume", str(run)]) == 0
    assert "going on from the checkpoint before" in capsys.readouterr().out
    assert (place.parent / f"{place.name}.corrupt").is_dir()
    assert log_of(run) == log_of(whole)


def test_nothing_to_go_on_from(stopped: Run, capsys: Capture) -> None:
    run = stopped()
    shutil.rmtree(run / "checkpoints")
    (run / "checkpoints").mkdir()
    assert main(["resume", str(run), "--json"]) == 5
    (error,) = errors(capsys)
    assert error["code"] == "CKP101" and "interrupted" in error["message"]


def test_a_changed_config_is_named_by_its_keys(stopped: Run, capsys: Capture) -> None:
    run = stopped()
    config = run / "resolved.yaml"
    text = config.read_text()
    config.write_text(text.replace("[6]", "[8]").replace("lr: 0.001", "lr: 0.01"))
    assert main(["resume", str(run), "--json"]) == 5
    by_key = {error["key"]: error for error in errors(capsys)}
    assert set(by_key) == {"model.hidden_sizes", "training.optimizer.lr"}
    assert by_key["model.hidden_sizes"]["line"] is not None
    assert main(["resume", str(run), "--allow-drift", "--json"]) == 5  # other weights cannot be
    config.write_text(text.replace("lr: 0.001", "lr: 0.01"))
    assert main(["resume", str(run), "--allow-drift"]) == 0
    status = json.loads((run / "status.json").read_text())
    assert status["resumes"][0]["drift"] == ["training.optimizer.lr: 0.001 when trained, 0.01 now"]


def test_changed_data_and_versions_are_named(stopped: Run, capsys: Capture) -> None:
    run = stopped()
    environment = json.loads((run / "env.json").read_text())
    environment["versions"]["torch"] = "2.0.0"
    (run / "env.json").write_text(json.dumps(environment))
    data = run.parents[1] / "data.csv"
    before = data.read_text()
    try:
        data.write_text(before.replace("20.00", "20.50", 1))
        assert main(["resume", str(run), "--json"]) == 5
        found = errors(capsys)
        assert [error["code"] for error in found] == ["CKP111", "CKP112"]
        assert found[1]["key"] == "versions.torch" and "2.0.0" in found[1]["message"]
        assert main(["resume", str(run), "--allow-drift"]) == 0
    finally:
        data.write_text(before)


def test_two_processes_never_write_one_run(stopped: Run, capsys: Capture) -> None:
    run = stopped()
    with RunFolder.reopen(run):
        assert main(["resume", str(run), "--json"]) == 7
        (error,) = errors(capsys)
        assert "process" in error["message"] and "on" in error["message"]
    assert main(["resume", str(run)]) == 0  # who held it is gone


def test_a_checkpoint_of_another_rnnexp(stopped: Run, capsys: Capture) -> None:
    run = stopped()
    place = newest(run)
    checkpoint = checkpoints.load(place)
    del checkpoint.state["settings"]
    checkpoints.save(place.parent, checkpoint)
    assert main(["resume", str(run), "--json"]) == 5
    assert errors(capsys)[0]["code"] == "CKP113"


def test_a_step_that_does_not_end_is_left(tmp_path: Path) -> None:
    """The last checkpoint stands; the process leaves in time all the same."""
    code = """
import os, signal, time
from rnnexp.training import interrupt
interrupt.GRACE = 0.3
with interrupt.Interrupt():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
"""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == 143
    assert b"INT002" in done.stderr
    assert time.monotonic() - began < 30
    assert interrupt.GRACE <= 4.5  # 5 s are promised
