"""Real processes, stopped by real signals at random moments, and resumed: nothing is lost.

RNNEXP_PROOF=1 (`make proof`) stops as often as docs/results.md says; here a few times each.
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rnnexp.recording import checkpoints

PROOF = bool(os.environ.get("RNNEXP_PROOF"))
WALL_CLOCK = {"seconds", "tokens_per_s"}
TRAININGS = {
    f"{cell}-{bptt}-{optimizer}": (cell, bptt, optimizer)
    for cell in ("rnn", "lstm", "gru")
    for bptt in ("full", "truncated")
    for optimizer in ("adam", "sgd")
}
OPTIMIZERS = {
    "adam": "{name: adam, lr: 1e-3}",
    "sgd": "{name: sgd, lr: 1e-2, momentum: 0.9}",
}
CONFIG = """
name: {name}
data: {{source: {source}, length: 24, train: {train}, val: 100, test: 100}}
task: {{kind: {kind}}}
model: {{cell: {cell}, hidden_sizes: [12, 12], dropout: 0.3}}
training:
  epochs: 6
  batch_size: 20
  optimizer: {optimizer}
  clip: {{norm: 1.0}}
  bptt: {bptt}
  log_every: 7
  checkpoint_steps: 40
  threads: 1
"""


def config_text(name: str) -> str:
    cell, bptt, optimizer = TRAININGS[name]
    truncated = bptt == "truncated"
    return CONFIG.format(
        name=name,
        source="delayed_echo" if truncated else "adding",
        train=600 if truncated else 3000,
        kind="many_to_many" if truncated else "many_to_one",
        cell=cell,
        optimizer=OPTIMIZERS[optimizer],
        bptt="{k1: 8, k2: 8}" if truncated else "full",
    )


@dataclass(frozen=True)
class End:
    """What a finished run left: the log without wall-clock, the newest tensors, the test score.

    training: seconds that it trained. whole: those of the process.
    """

    log: list[dict[str, Any]]
    tensors: bytes
    metrics: dict[str, float]
    training: float
    whole: float

    @classmethod
    def of(cls, run: Path, whole: float = 0.0) -> End:
        lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
        log = [{k: v for k, v in line.items() if k not in WALL_CLOCK} for line in lines]
        newest = run / "checkpoints" / str(checkpoints.steps(run / "checkpoints")[-1])
        summary = json.loads((run / "summary.json").read_text())
        tensors = (newest / "tensors.safetensors").read_bytes()
        return cls(log, tensors, summary["metrics"], summary["seconds"], whole)

    def same(self, other: End) -> bool:
        return (self.log, self.tensors, self.metrics) == (other.log, other.tensors, other.metrics)


def command(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).parent / "rnnexp"), *arguments]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
    )


def the_run(runs: Path) -> Path | None:
    found = list(runs.iterdir()) if runs.is_dir() else []
    return found[0] if found else None


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, End]]:
    """The config of a training, and what it leaves when nothing stops it."""

    @cache
    def train(name: str) -> tuple[Path, End]:
        folder = tmp_path_factory.mktemp(name)
        (folder / "config.yaml").write_text(config_text(name), encoding="utf-8")
        began = time.monotonic()
        arguments = ["train", str(folder / "config.yaml"), "--runs", str(folder / "runs")]
        subprocess.run(command(*arguments), check=True, capture_output=True)
        run = the_run(folder / "runs")
        assert run is not None
        return folder / "config.yaml", End.of(run, time.monotonic() - began)

    return train


def moments(count: int, seed: str) -> Iterator[float]:
    """Shares of the time that training takes, at random; the last ones come in what follows it."""
    chance = random.Random(seed)
    return (chance.uniform(0.0, 1.3) for _ in range(count))


def stopped(config: Path, runs: Path, after: float, number: int) -> int:
    """Train, send a signal so many seconds after the first checkpoint; the exit code."""
    process = start("train", str(config), "--runs", str(runs))
    while process.poll() is None and not resumable(runs):
        time.sleep(0.005)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    return process.wait(60)


def resumed(runs: Path) -> None:
    """Resume the only run to its end."""
    arguments = command("resume", "latest", "--runs", str(runs))
    done = subprocess.run(arguments, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def resumable(runs: Path) -> bool:
    """Whether a process left a run with a checkpoint; before that there is nothing to lose."""
    run = the_run(runs)
    return run is not None and bool(checkpoints.steps(run / "checkpoints"))


@pytest.mark.parametrize("name", TRAININGS if PROOF else ["lstm-truncated-sgd", "gru-full-adam"])
def test_kill_9_at_a_random_moment(whole: Any, tmp_path: Path, name: str) -> None:
    config, expected = whole(name)
    times, killed = 17 if PROOF else 2, 0
    for number, share in enumerate(moments(times, name)):
        runs = tmp_path / str(number)
        code = stopped(config, runs, share * expected.training, signal.SIGKILL)
        assert code in (0, -signal.SIGKILL)
        killed += code != 0
        resumed(runs)
        run = the_run(runs)
        assert run is not None and End.of(run).same(expected), (name, share)
        shutil.rmtree(runs)
    assert killed >= times // 2  # the others had ended before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_with_its_code_and_a_checkpoint(
    whole: Any, tmp_path: Path, number: int
) -> None:
    name = "rnn-truncated-adam"
    config, expected = whole(name)
    times, saved = 100 if PROOF else 2, 0
    for attempt, share in enumerate(moments(times, str(number))):
        runs = tmp_path / str(attempt)
        code = stopped(config, runs, share * expected.training, number)
        run = the_run(runs)
        assert run is not None
        status = json.loads((run / "status.json").read_text())
        if code == 128 + number and status["state"] == "interrupted":
            assert status["step"] in checkpoints.steps(run / "checkpoints")
            saved += 1
        else:  # it came before the first step, or when all was done
            assert code in (0, -number, 128 + number)
        resumed(runs)
        assert End.of(run).same(expected), (share, code)
        shutil.rmtree(runs)
    assert saved >= times // 2


def test_chains_of_resumes(whole: Any, tmp_path: Path) -> None:
    """Stopped again and again, by turns softly and hard, the last time in `resume` itself."""
    name = "lstm-truncated-adam"
    config, expected = whole(name)
    for attempt in range(50 if PROOF else 1):
        runs, chance = tmp_path / str(attempt), random.Random(attempt)
        stopped(config, runs, chance.random() * expected.training / 8, signal.SIGTERM)
        before = expected.whole - expected.training
        for _ in range(8 if PROOF else 3):
            process = start("resume", "latest", "--runs", str(runs))
            try:
                process.wait(
                    before * chance.uniform(0.3, 1.0) + expected.training * chance.random()
                )
            except subprocess.TimeoutExpired:
                process.send_signal(chance.choice([signal.SIGTERM, signal.SIGKILL]))
            code = process.wait(60)
            assert code in (0, 143, -signal.SIGTERM, -signal.SIGKILL)
        resumed(runs)
        run = the_run(runs)
        assert run is not None and End.of(run).same(expected), attempt
        shutil.rmtree(runs)
