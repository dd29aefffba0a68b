"""Puts a training's log lines and checkpoints into its run folder."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rnnexp.recording import checkpoints
from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.recording.run_folder import RunFolder

__all__ = ["RunRecorder"]

SECONDS_BETWEEN = 5.0
LAST_KEPT = 2


class RunRecorder:
    """Keeps the best checkpoint and the last two.

    Epochs can be shorter than a write to disk takes: a checkpoint that follows another within five
    seconds waits in memory, and is written by a later one's turn or at the end.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self._best: Checkpoint | None = None
        self._waiting: list[Checkpoint] = []
        self._wrote_at = time.monotonic()

    def record(self, record: Mapping[str, Any]) -> None:
        """Append a line to metrics.jsonl."""
        self.run.metrics.append(record)

    def checkpoint(self, checkpoint: Checkpoint, best: bool, last: bool) -> None:
        """Keep a checkpoint; `best` makes it the best so far, `last` writes what still waits."""
        if best or self._best is None:
            self._best = checkpoint
        self._waiting = [*self._waiting, checkpoint][-LAST_KEPT:]
        if last or time.monotonic() - self._wrote_at > SECONDS_BETWEEN:
            self.flush()

    def flush(self) -> None:
        """Write what still waits in memory."""
        folder = self.run.checkpoints
        present = set(checkpoints.steps(folder))
        wanted = {c.step: c for c in (self._best, *self._waiting) if c is not None}
        for step in sorted(wanted.keys() - present):
            checkpoints.save(folder, wanted[step])
        recent = sorted(present | wanted.keys())[-LAST_KEPT:]
        keep = {*recent, *([self._best.step] if self._best else [])}
        checkpoints.prune(folder, keep)
        self._waiting, self._wrote_at = [], time.monotonic()
