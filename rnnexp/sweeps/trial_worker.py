"""The process that runs trials: `python -m rnnexp.sweeps.trial_worker SWEEP`.

Jobs come as JSON lines on stdin, events go as JSON lines to stdout. When stdin ends, whoever
started it is gone: the trial saves a checkpoint, and the process leaves.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rnnexp.config.loading import load_config
from rnnexp.errors import InterruptedRunError, RnnexpError
from rnnexp.running.resuming import resume
from rnnexp.running.runner import train
from rnnexp.training.experiment import assemble
from rnnexp.training.journal import Pruned, Silent
from rnnexp.training.monitor import larger_is_better

__all__ = []

PROGRESS_SECONDS = 0.2
Record = dict[str, Any]


def main(sweep: Path) -> None:
    """Run jobs until there are no more."""
    channel = _Channel()
    while (job := channel.next_job()) is not None:
        try:
            channel.say(_run(sweep, job, channel))
        except Pruned:
            channel.say({"event": "pruned"})
        except InterruptedRunError:
            channel.say({"event": "interrupted"})
            return
        except RnnexpError as error:
            problems = [asdict(problem) for problem in error.problems]
            channel.say({"event": "failed", "exit": error.exit, "errors": problems})
        except Exception as error:
            message = f"a bug in rnnexp: {type(error).__name__}: {error}"
            channel.say({"event": "failed", "exit": 1, "errors": [{"message": message}]})


def _run(sweep: Path, job: Record, channel: _Channel) -> Record:
    watcher = _Watcher(channel, job["prunable"])
    if job["task"] == "resume":
        return {"event": "finished", "summary": _told(resume(Path(job["run"]), watcher))}
    config = load_config(sweep / "base.yaml", job["overrides"])
    if job["task"] == "check":
        files = assemble(config).dataset.record.get("files", ())
        return {"event": "finished", "data": {file["path"]: file["sha256"] for file in files}}
    summary = train(config, sweep / "trials", watcher, trial=job["trial"], data=job["data"])
    return {"event": "finished", "summary": _told(summary)}


def _told(summary: Mapping[str, Any]) -> Record:
    told = {name: summary.get(name) for name in ("run", "monitor", "metrics", "seconds", "steps")}
    mode = summary["settings"]["training"]["mode"]
    larger = larger_is_better(summary["monitor"]) if mode is None else mode == "max"
    return told | {"larger_is_better": larger}


class _Channel:
    """Lines in and out. What a library prints goes to stderr instead."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)
        self._jobs: queue.Queue[Record | None] = queue.Queue()
        self._answers: queue.Queue[bool] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def next_job(self) -> Record | None:
        return self._jobs.get()

    def say(self, record: Mapping[str, Any]) -> None:
        """Where nobody listens any more, stdin has ended, too, and we are about to."""
        with suppress(BrokenPipeError):
            self._out.write(json.dumps(record, default=str).encode() + b"\n")

    def ask(self, record: Mapping[str, Any]) -> bool:
        """Say something, and wait for a yes or no."""
        self.say(record)
        return self._answers.get()

    def _listen(self) -> None:
        for line in sys.stdin.buffer:
            record = json.loads(line)
            if "go_on" in record:
                self._answers.put(record["go_on"])
            else:
                self._jobs.put(record)
        self._answers.put(True)
        self._jobs.put(None)
        os.kill(os.getpid(), signal.SIGTERM)


class _Watcher(Silent):
    """Tells how a trial goes."""

    def __init__(self, channel: _Channel, prunable: bool) -> None:
        self.channel, self.prunable = channel, prunable
        self.total: int | None = None
        self._next = 0.0

    def started(self, run: Path, total_steps: int | None, description: Mapping[str, Any]) -> None:
        self.total = total_steps
        self.channel.say({"event": "started", "run": str(run)})

    def stepped(self, step: int, loss: float) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + PROGRESS_SECONDS
            told = {"event": "progress", "step": step, "total": self.total, "loss": loss}
            self.channel.say(told)

    def logged(self, record: Mapping[str, Any]) -> None:
        metrics = {name: value for name, value in record.items() if name.startswith("val/")}
        if not metrics:
            return
        told = {"event": "validated", "step": record["step"], "metrics": metrics}
        say: Callable[[Mapping[str, Any]], Any] = (
            self.channel.ask if self.prunable else self.channel.say
        )
        if say(told) is False:
            raise Pruned


if __name__ == "__main__":
    main(Path(sys.argv[1]))
