"""What a training tells the outside as it goes: log lines, checkpoints, observers, signals."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.training.observer import Observer
from rnnexp.training.update import Statistics

__all__ = ["Journal", "Recorder"]


class Recorder(Protocol):
    """Where a training leaves its trace."""

    def record(self, record: Mapping[str, Any]) -> None:
        """Append a line to the log."""

    def checkpoint(self, checkpoint: Checkpoint, best: bool, last: bool) -> None:
        """Keep a checkpoint, now or later; `last`: there will be no later."""


class Journal:
    """Gathers the updates between two lines of the log; only its clock differs between runs."""

    def __init__(self, recorder: Recorder, observer: Observer, log_every: int) -> None:
        self.recorder, self.observer, self.log_every = recorder, observer, log_every
        self.began = self.line_began = time.perf_counter()
        self.statistics = Statistics()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.began

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
