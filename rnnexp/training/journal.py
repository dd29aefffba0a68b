"""What a training tells the outside as it goes: log lines, checkpoints, observers, signals."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from rnnexp.config.training_settings import Training
from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.training.update import Statistics

__all__ = ["Journal", "Observer", "Pruned", "Silent"]


# Who watches a training: a terminal, a log, a test. Training knows nothing else of it.


class Pruned(BaseException):
    """Raised by an observer in `logged`: others do better, the run need not go on."""


class Observer(Protocol):
    """What a training tells as it goes."""

    def started(self, run: Path, total_steps: int | None, description: Mapping[str, Any]) -> None:
        """The run folder exists and the first update is next."""

    def logged(self, record: Mapping[str, Any]) -> None:
        """A line was written to metrics.jsonl."""

    def stepped(self, step: int, loss: float) -> None:
        """An update was made; called for every one, so it must be quick."""

    def noted(self, text: str) -> None:
        """One line for people."""

    def finished(self, summary: Mapping[str, Any]) -> None:
        """The summary was written."""


class Silent:
    """Watches and says nothing."""

    def started(self, run: Path, total_steps: int | None, description: Mapping[str, Any]) -> None:
        pass

    def logged(self, record: Mapping[str, Any]) -> None:
        pass

    def stepped(self, step: int, loss: float) -> None:
        pass

    def noted(self, text: str) -> None:
        pass

    def finished(self, summary: Mapping[str, Any]) -> None:
        pass


# What a training tells the outside as it goes: log lines, checkpoints, observers, signals.

SECONDS_BETWEEN = 300.0
"""at most so much work of a long epoch is lost with the process"""


class Recorder(Protocol):
    """Where a training leaves its trace."""

    def record(self, record: Mapping[str, Any]) -> None:
        """Append a line to the log."""

    def checkpoint(self, checkpoint: Checkpoint, best: bool, last: bool) -> None:
        """Keep a checkpoint, now or later; `last`: there will be no later."""


class Journal:
    """Gathers the updates between two lines of the log; only its clock differs between runs."""

    def __init__(self, recorder: Recorder, observer: Observer, config: Training) -> None:
        self.recorder, self.observer = recorder, observer
        self.log_every, self.checkpoint_steps = config.log_every, config.checkpoint_steps
        self.began = self.line_began = self.kept_at = time.perf_counter()
        self.statistics = Statistics()

    @property
    def seconds(self) -> float:
        """Time spent training, that of the processes before this one included."""
        return time.perf_counter() - self.began

    def checkpoint_due(self, step: int) -> bool:
        """Whether it is time for a checkpoint in the middle of an epoch."""
        if self.checkpoint_steps is not None and step % self.checkpoint_steps == 0:
            return True
        return time.perf_counter() - self.kept_at > SECONDS_BETWEEN

    def checkpoint(self, checkpoint: Checkpoint, best: bool, last: bool) -> None:
        """Keep a checkpoint; as `Recorder.checkpoint`."""
        self.recorder.checkpoint(checkpoint, best, last)
        self.kept_at = time.perf_counter()

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs to go on: the updates since the last line, and the clock."""
        return {"statistics": asdict(self.statistics), "seconds": self.seconds}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.statistics = Statistics(**state["statistics"])
        self.line_began = time.perf_counter()
        self.began = self.line_began - state["seconds"]

    def updated(
        self, step: int, epoch: int, lr: float, limit: Mapping[str, float], loss: float
    ) -> None:
        """An update was made; writes a line when it is time for one."""
        self.observer.stepped(step, loss)
        if step % self.log_every == 0:
            self.flush(step, epoch, lr, limit)

    def flush(self, step: int, epoch: int, lr: float, limit: Mapping[str, float]) -> None:
        """Write the line of the updates since the last one, if there were any."""
        if not self.statistics.updates:
            return
        now = time.perf_counter()
        self._write(
            {"step": step, "epoch": epoch}
            | self.statistics.record(limit)
            | {
                "lr": lr,
                "tokens_per_s": round(self.statistics.tokens / (now - self.line_began), 1),
                "seconds": round(now - self.began, 3),
            }
        )
        self.statistics, self.line_began = Statistics(), now

    def validated(self, step: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Write the line of a validation."""
        self._write({"step": step, "epoch": epoch, **metrics, "seconds": round(self.seconds, 3)})
        self.line_began = time.perf_counter()

    def _write(self, record: Mapping[str, Any]) -> None:
        self.recorder.record(record)
        self.observer.logged(record)
