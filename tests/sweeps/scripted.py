"""An engine that does what a test says, and leaves run folders as a worker would."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from rnnexp.recording.checkpoints import Checkpoint, save
from rnnexp.sweeps.engine import Event, Job
from rnnexp.sweeps.points import Point

Script = Callable[[Job], Sequence[str | tuple[str, Mapping[str, Any]]]]


def leave_run(trials: Path, point: int, state: str, value: float = 0.5, step: int = 4) -> Path:
    """A run folder of a point, with a checkpoint where it got so far."""
    path = trials / f"20260101-000000-x-{point:04d}-{len(list(trials.iterdir())):06x}"
    (path / "checkpoints").mkdir(parents=True)
    (path / "trial.json").write_text(json.dumps({"point": point}), encoding="utf-8")
    status = {"state": state, "step": step, "pid": 1, "host": "elsewhere"}
    (path / "status.json").write_text(json.dumps(status), encoding="utf-8")
    if step:
        save(path / "checkpoints", Checkpoint(step, {"w": torch.zeros(1)}))
    if state == "finished":
        summary = {"monitor": "val/loss", "metrics": {"val/loss": value}}
        (path / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    return path


class ScriptedEngine:
    """submitted: every trial's job in order. A script gives the events of a job, one a poll."""

    def __init__(self, trials: Path, script: Script = lambda job: ["finished"], capacity: int = 2):
        self.trials, self.script, self.capacity = trials, script, capacity
        self.submitted: list[Job] = []
        self.answers: list[bool] = []
        self.cancelled = self.killed = self.closed = False
        self.most = 0
        self._running: list[tuple[Job, deque[Any]]] = []

    def warm_up(self, count: int) -> None:
        self.expected = count

    def submit(self, job: Job) -> None:
        assert len(self._running) < self.capacity
        events = ["checked"] if job.task == "check" else list(self.script(job))
        self._running.append((job, deque(events)))
        self.most = max(self.most, len(self._running))
        if job.task != "check":
            self.submitted.append(job)

    def poll(self, seconds: float) -> list[Event]:
        found = []
        for job, events in list(self._running):
            said = events.popleft() if events and not self.cancelled else "interrupted"
            kind, fields = (said, {}) if isinstance(said, str) else said
            if kind == "checked":
                kind, fields = "finished", {"data": {"a.csv": "1"}}
            elif kind == "finished":
                fields = {"summary": {"monitor": "val/loss", "metrics": {"val/loss": job.point}}}
                leave_run(self.trials, job.point, "finished", job.point)
            elif kind == "failed" and not fields:
                fields = {"exit": 4, "errors": [{"message": f"no {job.point}"}]}
            elif kind == "lost":
                fields = {"reason": "its process ended by signal 9"}
            if kind not in ("started", "progress", "validated"):
                self._running.remove((job, events))
            found.append(Event(kind, job, fields))
        return found

    def answer(self, job: Job, go_on: bool) -> None:
        self.answers.append(go_on)

    def cancel(self) -> None:
        self.cancelled = True

    def kill(self) -> None:
        self.killed = True

    def close(self) -> None:
        self.closed = True


class Watching:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, int]] = []
        self.events: list[tuple[int, str]] = []
        self.notes: list[str] = []

    def began(self, path: Path, total: int, done: int) -> None:
        self.begun.append((total, done))

    def happened(self, point: Point, event: Event) -> None:
        self.events.append((point.number, event.kind))

    def noted(self, text: str) -> None:
        self.notes.append(text)

    def idle(self) -> None:
        pass
