"""Trials on this machine: warm processes that import torch once, each in a session of its own.

They read jobs and write events as JSON lines. They hold the sweep's lock with us, so that whoever
comes after a kill waits until the last of them has saved and gone.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rnnexp.sweeps.engine import Event, Job

__all__ = ["LocalEngine"]

LAST_LINES = 20
GRACE = 8.0
"""seconds that a worker may take to save and leave; a step has four"""


class LocalEngine:
    """`capacity` processes; one that dies is replaced when there is work for it."""

    def __init__(self, capacity: int, sweep: Path, lock: int) -> None:
        self.capacity, self.sweep, self._lock = capacity, sweep, lock
        self._events: queue.Queue[tuple[_Worker, dict[str, Any] | None]] = queue.Queue()
        self._workers: list[_Worker] = []

    def warm_up(self, count: int) -> None:
        """Start the processes, all at once: each takes a while to import torch."""
        for _ in range(min(count, self.capacity) - len(self._workers)):
            self._workers.append(_Worker(self.sweep, self._lock, self._events))

    def submit(self, job: Job) -> None:
        idle = next((worker for worker in self._workers if worker.job is None), None)
        if idle is None:
            assert len(self._workers) < self.capacity, "no worker is free"
            idle = _Worker(self.sweep, self._lock, self._events)
            self._workers.append(idle)
        idle.start(job)

    def poll(self, seconds: float) -> list[Event]:
        found: list[Event] = []
        deadline = time.monotonic() + seconds
        while not found:
            try:
                said = [self._events.get(timeout=max(deadline - time.monotonic(), 0.0))]
            except queue.Empty:
                return []
            with suppress(queue.Empty):
                while True:
                    said.append(self._events.get_nowait())
            found = [event for worker, record in said if (event := self._event(worker, record))]
        return found

    def answer(self, job: Job, go_on: bool) -> None:
        for worker in self._workers:
            if worker.job == job:
                worker.say({"go_on": go_on})

    def cancel(self) -> None:
        for worker in self._workers:
            worker.signal(signal.SIGTERM)

    def close(self) -> None:
        for worker in self._workers:
            worker.hang_up()
        deadline = time.monotonic() + GRACE
        for worker in self._workers:
            worker.wait(max(deadline - time.monotonic(), 0.1))
        self._workers = []

    def kill(self) -> None:
        """End every process at once."""
        for worker in self._workers:
            worker.signal(signal.SIGKILL)

    def _event(self, worker: _Worker, record: dict[str, Any] | None) -> Event | None:
        job = worker.job
        if record is None:
            self._workers = [other for other in self._workers if other is not worker]
            reason, worker.job = worker.epitaph(), None
            return Event("lost", job, {"reason": reason}) if job is not None else None
        if job is None:
            return None
        kind = record.pop("event")
        if kind in ("finished", "pruned", "interrupted", "failed"):
            worker.job = None
        return Event(kind, job, record)


class _Worker:
    """One process, and the job that it has."""

    def __init__(self, sweep: Path, lock: int, events: queue.Queue[Any]) -> None:
        self.job: Job | None = None
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "rnnexp.sweeps.trial_worker", str(sweep)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(lock,),
            start_new_session=True,
        )
        self._said: deque[str] = deque(maxlen=LAST_LINES)
        self._errors = threading.Thread(target=self._hear_errors, daemon=True)
        self._errors.start()
        self._events = threading.Thread(target=self._hear, args=(events,), daemon=True)
        self._events.start()

    def start(self, job: Job) -> None:
        self.job = job
        self.say(asdict(job) | {"run": str(job.run) if job.run else None})

    def say(self, record: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        with suppress(OSError):  # it died: its end will be heard
            self.process.stdin.write(json.dumps(record).encode() + b"\n")
            self.process.stdin.flush()

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def hang_up(self) -> None:
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()

    def wait(self, seconds: float) -> None:
        """Until it is gone; it is ended where it takes longer."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()
        for heard in (self._events, self._errors):
            heard.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def epitaph(self) -> str:
        """How it ended, and its last words."""
        self.wait(1.0)
        code = self.process.returncode
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if code == -signal.SIGKILL:
            how += ", as the system does when memory runs out"
        words = " | ".join(line for line in self._said if line)
        return f"its process ended by {how}" + (f": {words[-500:]}" if words else "")

    def _hear(self, events: queue.Queue[Any]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with suppress(ValueError):
                events.put((self, json.loads(line)))
        events.put((self, None))

    def _hear_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._said.append(line.decode("utf-8", "backslashreplace").strip())
