"""`rnnexp sweep`: what it shows, refuses and leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rnnexp.cli.app import main
from rnnexp.cli.progress import SweepProgress
from rnnexp.config.gallery import entries
from rnnexp.sweeps.conduct import Result
from rnnexp.sweeps.engine import Event, Job
from rnnexp.sweeps.points import Point

Capture = pytest.CaptureFixture[str]
BASE = """
name: small
data: {source: adding, length: 8, train: 64, val: 32, test: 32}
task: {kind: many_to_one}
model: {cell: rnn, hidden_sizes: [4]}
training: {epochs: 2, batch_size: 16}
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.yaml"
    path.write_text(BASE, encoding="utf-8")
    return path


def sweep(base: Path, *arguments: str) -> int:
    return int(main(["sweep", str(base), *arguments, "--runs", str(base.parent / "runs")]))


def errors(capsys: Capture) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out.splitlines()[-1])["errors"]
    return found


def test_a_dry_run_tells_points_time_and_disk_and_writes_nothing(
    base: Path, capsys: Capture
) -> None:
    assert sweep(base, "model.cell=rnn,lstm", "seed=0..2", "--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["trials"] == len(told["points"]) == 6
    assert told["hours"] > 0 and told["bytes"] > 0
    assert not (base.parent / "runs").exists()


def test_it_trains_every_point_and_the_same_command_again_trains_none(
    base: Path, capsys: Capture
) -> None:
    assert sweep(base, "model.cell=rnn,lstm", "-j", "1") == 0
    out = capsys.readouterr().out
    assert "2 finished" in out and "cell=lstm" in out
    assert sweep(base, "model.cell=rnn,lstm", "-j", "1") == 0
    assert "2 of 2 trials are done already" in capsys.readouterr().out
    (folder,) = (base.parent / "runs").iterdir()
    trials = sorted((folder / "trials").iterdir())
    assert len(trials) == 2
    trial = trials[1]
    assert json.loads((trial / "trial.json").read_text())["point"] == 1
    assert json.loads((trial / "summary.json").read_text())["settings"]["model"]["cell"] == "lstm"
    assert not list((trial / "plots").iterdir())
    assert main(["runs", "verify", str(trial)]) == 0
    assert main(["sweep", str(folder), "-j", "1"]) == 0


def test_a_failed_trial_ends_in_11_and_the_others_are_done(base: Path, capsys: Capture) -> None:
    """A rate of 10 without clipping makes a relu network infinite."""
    axes = ("training.optimizer={name: sgd, lr: 1e-2},{name: sgd, lr: 10}", "model.activation=relu")
    base.write_text(base.read_text().replace("epochs: 2", "epochs: 30"), encoding="utf-8")
    assert sweep(base, *axes, "-j", "1", "--json") == 11
    out = capsys.readouterr().out
    told, failure = json.loads(out.splitlines()[-2]), json.loads(out.splitlines()[-1])
    assert told["finished"] == [0] and list(told["failed"]) == ["1"]
    assert failure["errors"][0]["exit"] == 11
    assert sweep(base, *axes, "-j", "1") == 11  # remembered, not run again
    capsys.readouterr()


@pytest.mark.parametrize("jobs", ["0", "-1", "100000"])
def test_workers_have_a_range(base: Path, capsys: Capture, jobs: str) -> None:
    assert sweep(base, "seed=0,1", "-j", jobs, "--json") == 2
    (error,) = errors(capsys)
    assert error["key"] == "--jobs" and error["allowed"].startswith("1 to ")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["seed=0,1", "--method", "grdi"], 2),
        (["seed=0,1", "--method", "random", "--trials", "0"], 2),
        (["seed=0,1", "--pruner", "x"], 2),
        (["seed=0,1", "--name", "../x"], 2),
        (["seed=0,1,"], 2),
        (["model.cell=rnn,"], 2),
        (["model.cell=rnn,foo"], 3),
        (["model.hiden_sizes=[1],[2]"], 3),
        ([f"a{n}=0..99" for n in range(6)], 3),
        ([], 3),
        (["model.cell=rnn"], 3),
        (["training.optimizer.lr=1e-4..1e-1"], 3),
        (["data.length=8,3000000"], 3),
    ],
    ids=str,
)
def test_what_cannot_be_run_is_refused_before_any_work(
    base: Path, capsys: Capture, arguments: list[str], code: int
) -> None:
    assert sweep(base, *arguments, "--json") == code
    assert all(error["exit"] == code for error in errors(capsys))
    assert not list((base.parent / "runs").glob("*"))


def test_data_that_a_point_cannot_use_leave_nothing(tmp_path: Path, capsys: Capture) -> None:
    config = tmp_path / "sunspots.yaml"
    config.write_text(
        "name: s\ndata: {source: sunspots}\ntask: {kind: many_to_one}\ntraining: {epochs: 1}\n",
        encoding="utf-8",
    )
    assert sweep(config, "data.window=5,4000", "-j", "1", "--json") == 4
    (error,) = errors(capsys)
    assert "trial 1" in error["message"] and "data.window=4000" in error["message"]
    assert not list((tmp_path / "runs").glob("*"))


def test_a_sweep_file_that_does_not_exist_or_is_no_sweep(tmp_path: Path, capsys: Capture) -> None:
    assert sweep(tmp_path / "no.yaml", "seed=0,1", "--json") == 2
    assert errors(capsys)[0]["code"] == "CMD010"
    assert sweep(tmp_path, "--json") == 2
    capsys.readouterr()


def test_a_frozen_sweep_takes_no_axes(base: Path, capsys: Capture) -> None:
    assert sweep(base, "seed=0,1", "-j", "1") == 0
    (folder,) = (base.parent / "runs").iterdir()
    assert main(["sweep", str(folder), "model.cell=rnn,lstm"]) == 2
    capsys.readouterr()


def test_the_gallery_has_a_sweep_that_is_whole(capsys: Capture) -> None:
    entry = next(entry for entry in entries() if entry.name == "sweeps/remedies")
    assert "rnnexp sweep" in entry.run
    assert main(["validate", str(entry.path)]) == 0
    capsys.readouterr()


def test_training_a_sweep_file_says_what_it_is(capsys: Capture) -> None:
    entry = next(entry for entry in entries() if entry.name == "sweeps/remedies")
    assert main(["train", str(entry.path)]) == 3
    assert "rnnexp sweep" in capsys.readouterr().err


def test_lines_of_a_progress(capsys: Capture) -> None:
    progress = SweepProgress()
    point = Point(3, 1, 2, ("name=x", "model.cell=lstm", "seed=2"), {}, {})
    job = Job("train", 3)
    progress.began(Path("runs/x"), 10, 1)
    progress.happened(point, Event("progress", job, {"step": 5, "total": 10, "loss": 0.1}))
    assert progress._parts() == ["1/10 trials", "1 running"]
    assert list(progress._running()) == ["  #3  cell=lstm  seed=2   50%  loss 0.1"]
    summary = {"monitor": "val/rmse", "metrics": {"val/rmse": 1.25}, "seconds": 2.0}
    summary |= {"larger_is_better": False}
    progress.happened(point, Event("finished", job, {"summary": summary}))
    progress.happened(point, Event("failed", job, {"errors": [{"message": "no\x1b[31m"}]}))
    assert progress._parts()[-1] == "best #3 val/rmse 1.25"
    progress.ended(Result(Path("runs/x"), {3}, set(), {4: "x"}))
    out = capsys.readouterr().out
    assert "cell=lstm" in out and "val/rmse 1.25" in out
    assert "\x1b" not in out and "1 finished, 1 failed" in out
