"""Real workers on a tiny shape; what they lack or fail at is said, and never hangs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rnnexp.benching import measure as measuring
from rnnexp.benching.contender import KEPT, OURS, PEERS, TORCH, Contender, cores_for
from rnnexp.benching.measure import Plan, Process, Silent, WorkerError, measure, start_worker
from rnnexp.benching.results import Row
from rnnexp.benching.shape import Shape
from rnnexp.errors import EnvironmentMissingError, MemoryExceededError

TINY = Shape(2, 3, 1, 4, 1)
Start = Callable[..., Process]


@pytest.fixture
def ours() -> Iterator[Process]:
    worker = start_worker(OURS, 1)
    yield worker
    worker.kill()


def test_a_worker_gets_ready_steps_measures_and_leaves(ours: Process) -> None:
    assert "torch" in ours.hear()["ready"]
    asked = {"do": "burst", "cell": "gru", "shape": str(TINY), "seconds": 0.0}
    said = ours.ask(**asked)
    assert len(said["seconds"]) == 3 and all(seconds > 0 for seconds in said["seconds"])
    assert said["path"][0] and said["path"][1]
    if cores_for(1):
        assert os.sched_getaffinity(ours.process.pid) == set(cores_for(1))
    with pytest.raises(WorkerError, match="ValueError"):
        ours.ask(**asked | {"shape": "1,2"})
    assert ours.ask(**asked)["seconds"], "a question that failed ends nothing"
    ours.close()
    assert ours.process.returncode == 0


def test_a_worker_that_dies_says_how() -> None:
    said = "import sys; print('no room', file=sys.stderr); sys.exit(3)"
    worker = Process([sys.executable, "-c", said], os.environ)
    with pytest.raises(WorkerError, match=r"exit code 3 \(no room\)"):
        worker.ask(do="burst")
    worker.close()


def test_an_end_by_the_system_means_memory() -> None:
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    worker = Process([sys.executable, "-c", kill], os.environ)
    with pytest.raises(WorkerError) as caught:
        worker.hear()
    assert caught.value.memory
    worker.close()


class Counting(Silent):
    def __init__(self) -> None:
        self.turns: list[str] = []
        self.rows: list[Row] = []

    def turned(self, what: str) -> None:
        self.turns.append(what)

    def measured(self, row: Row) -> None:
        self.rows.append(row)


def test_everyone_is_asked_in_every_round_and_a_missing_peer_is_said(tmp_path: Path) -> None:
    # A Python that has no package at all stands for the peers' environment.
    peers = tmp_path / "python"
    peers.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "$@"\n')
    peers.chmod(0o755)
    watcher = Counting()
    plan = Plan(("rnn", "lstm"), (1,), (TINY,), rounds=2, seconds=0.0, peers=peers)
    found = measure(plan, watcher)
    assert len(watcher.turns) == 4 == plan.rounds_in_all
    assert [row.cell for row in found.rows] == ["rnn", "lstm"] and watcher.rows == [*found.rows]
    for row in found.rows:
        assert {name: len(seconds) for name, seconds in row.rounds.items()} == {
            "rnnexp": 2, "torch": 2, "kept": 2,
        }  # fmt: skip
        assert row.share > 0 and row.gflops > 0
    assert found.absent.keys() == {"jax", "keras"}
    assert "not installed" in found.absent["jax"]
    assert found.products[1]["gflops"] > 0


def fake(answers: str) -> Start:
    """Workers that say a line each time they are asked for one; ours and torch's are real."""

    def start(contender: Contender, threads: int, peers: Path | None = None) -> Process:
        if contender in (OURS, TORCH, KEPT):
            return start_worker(contender, threads, peers)
        return Process([sys.executable, "-c", answers], os.environ)

    return start


def test_a_peer_that_gives_up_is_left_out_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gives_up = (
        "print('{\"ready\": {}}', flush=True); input();"
        'print(\'{"seconds": [1.0], "path": null}\', flush=True); input(); raise SystemExit(9)'
    )
    monkeypatch.setattr(measuring, "start_worker", fake(gives_up))
    sides = (OURS, TORCH, PEERS[0])
    found = measure(Plan(("rnn",), (1,), (TINY,), 2, 0.0, sides), Silent())
    (row,) = found.rows
    assert row.ratios.keys() == {"torch"}, "a contender of half the rounds has no ratio"
    assert "rnn 2,3,1,4,1" in found.absent["jax"] and "exit code 9" in found.absent["jax"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('{"failed": "DefaultCPUAllocator: cannot allocate", "memory": true}', MemoryExceededError),
        ('{"failed": "Oh", "memory": false}', EnvironmentMissingError),
        ('{"missing": "No module named torch"}', EnvironmentMissingError),
    ],
)
def test_without_torch_there_is_nothing_to_measure(
    monkeypatch: pytest.MonkeyPatch, said: str, expected: type[Exception]
) -> None:
    def start(contender: Contender, threads: int, peers: Path | None = None) -> Process:
        return Process([sys.executable, "-c", f"print({said!r}, flush=True); input()"], os.environ)

    monkeypatch.setattr(measuring, "start_worker", start)
    with pytest.raises(expected):
        measure(Plan(("rnn",), (1,), (TINY,), 1, 0.0, (OURS, TORCH)), Silent())
