"""Real workers, real kills: the table does not depend on how the trials were run.

RNNEXP_PROOF=1 (`make proof`) kills 20 times; here twice.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rnnexp.sweeps.sweep_folder import every_trial

PROOF = bool(os.environ.get("RNNEXP_PROOF"))
AXES = ("model.cell=rnn,gru", "seed=0..2", "training.epochs=30", "model.dropout=0")
Table = dict[int, dict[str, float]]
Sweep = Callable[..., tuple[Path, Table]]


def command(base: Path, runs: Path, *options: str) -> list[str]:
    rnnexp = str(Path(sys.executable).parent / "rnnexp")
    return [rnnexp, "sweep", str(base), *AXES, "--runs", str(runs), *options]


def run(*arguments: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), check=False, capture_output=True, text=True)


def the_sweep(runs: Path) -> Path:
    (found,) = runs.iterdir()
    return found


def table(sweep: Path) -> Table:
    """The metrics of every point; each has exactly one finished run."""
    found: Table = {}
    for trial in every_trial(sweep / "trials"):
        assert trial.state == "finished" and trial.point not in found, trial
        found[trial.point] = trial.summary["metrics"]
    return dict(sorted(found.items()))


@pytest.fixture(scope="module")
def long_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("base") / "base.yaml"
    path.write_text(
        "name: small\ndata: {source: adding, length: 20, train: 400, val: 40, test: 40}\n"
        "task: {kind: many_to_one}\nmodel: {cell: rnn, hidden_sizes: [8]}\n"
        "training: {epochs: 2, batch_size: 20}\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def alone(long_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Table]:
    """The table of one worker that nothing disturbs."""

    @cache
    def made() -> Table:
        runs = tmp_path_factory.mktemp("alone")
        done = run(long_base, runs, "-j", "1")
        assert done.returncode == 0, done.stderr
        return table(the_sweep(runs))

    return made


def test_two_workers_and_one_give_the_same_table(
    long_base: Path, alone: Callable[[], Table], tmp_path: Path
) -> None:
    done = run(long_base, tmp_path, "-j", "2", "--json")
    assert done.returncode == 0, done.stderr
    found = table(the_sweep(tmp_path))
    assert json.dumps(found) == json.dumps(alone()) and len(found) == 6
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["finished"] == list(range(6)) and told["failed"] == {}


def test_a_random_search_does_not_depend_on_how_it_ran_either(
    long_base: Path, tmp_path: Path
) -> None:
    axes = ["training.optimizer.lr=log:1e-4..1e-1", "model.cell=rnn,gru", "training.epochs=4"]
    options = ["--method", "random", "--trials", "4", "--search-seed", "7"]
    found = []
    for jobs in ("1", "2"):
        runs = tmp_path / jobs
        rnnexp = str(Path(sys.executable).parent / "rnnexp")
        line = [rnnexp, "sweep", str(long_base), *axes, *options, "-j", jobs, "--runs", str(runs)]
        subprocess.run(line, check=True, capture_output=True)
        found.append(table(the_sweep(runs)))
    assert json.dumps(found[0]) == json.dumps(found[1]) and len(found[0]) == 4


def workers_of(runs: Path) -> list[int]:
    """Processes whose command line names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"rnnexp.sweeps.trial_worker" in words and any(
                str(runs).encode() in w for w in words
            ):
                found.append(int(entry.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs Linux's /proc")
def test_kills_lose_nothing_and_run_nothing_twice(
    long_base: Path, alone: Callable[[], Table], tmp_path: Path
) -> None:
    """Of the conductor, softly and hard, and of a worker."""
    chance, kills, wanted = random.Random(0), 0, 20 if PROOF else 2
    runs, lost = tmp_path / "runs", 0
    while kills < wanted:
        if PROOF and lost == 4:  # it is done too soon: once more from the beginning
            assert json.dumps(table(the_sweep(runs))) == json.dumps(alone())
            shutil.rmtree(runs)
            lost = 0
        process = subprocess.Popen(
            command(long_base, runs, "-j", "2"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while process.poll() is None and not list(runs.glob("*/trials/*/checkpoints/*")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        try:
            process.wait(chance.uniform(0.0, 1.0))
        except subprocess.TimeoutExpired:
            number = chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
            if kills % 3 == 2 and (workers := workers_of(runs)):
                os.kill(chance.choice(workers), signal.SIGKILL)
                time.sleep(chance.uniform(0.0, 0.5))
            process.send_signal(number)
            kills += 1
        error = process.communicate(timeout=60)[1]
        assert process.returncode in (0, -9, -15, 143), error  # -15: before it listened
        lost += process.returncode == 0
        if process.returncode == 0 and not PROOF:
            break
    done = run(long_base, runs, "-j", "2")
    assert done.returncode == 0, done.stderr
    assert json.dumps(table(the_sweep(runs))) == json.dumps(alone())
    deadline = time.monotonic() + 20
    while workers_of(runs):
        assert time.monotonic() < deadline, "a worker outlived its sweep"
        time.sleep(0.05)


def test_a_second_conductor_is_turned_away(long_base: Path, tmp_path: Path) -> None:
    first = subprocess.Popen(
        command(long_base, tmp_path, "-j", "1"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not list(tmp_path.glob("*/trials/*")):
            assert first.poll() is None
            time.sleep(0.01)
        second = run(long_base, tmp_path, "-j", "1")
        assert second.returncode == 7
        assert str(first.pid) in second.stderr
    finally:
        first.terminate()
        assert first.wait(60) == 143
    (sweep,) = tmp_path.iterdir()
    assert json.loads((sweep / "sweep.json").read_text())["state"] == "interrupted"


def test_two_half_done_copies_merge(
    long_base: Path, alone: Callable[[], Table], tmp_path: Path
) -> None:
    assert run(long_base, tmp_path / "a", "-j", "1").returncode == 0
    sweep = the_sweep(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for runs, dropped in (("a", {0, 1, 2}), ("b", {2, 3, 4, 5})):
        for trial in every_trial(tmp_path / runs / sweep.name / "trials"):
            if trial.point in dropped:
                shutil.rmtree(trial.path)
    shutil.copytree(tmp_path / "b" / sweep.name, sweep, dirs_exist_ok=True)
    before = {trial.path for trial in every_trial(sweep / "trials")}
    assert len(before) == 5
    assert run(long_base, tmp_path / "a", "-j", "2").returncode == 0
    assert json.dumps(table(sweep)) == json.dumps(alone())
    assert before < {trial.path for trial in every_trial(sweep / "trials")}
