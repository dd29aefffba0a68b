"""Puts a training's log lines and checkpoints into its run folder."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rnnexp.recording import checkpoints
from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.recording.run_folder import RunFolder

__all__ = ["LOG_BYTES", "SETTINGS", "RunRecorder"]

SECONDS_BETWEEN = 5.0
LAST_KEPT = 2
LOG_BYTES, SETTINGS = "log_bytes", "settings"


class RunRecorder:
    """Keeps the best checkpoint and the last two.

    Each also says which settings it was trained with, and how long metrics.jsonl was. Epochs can be
    shorter than a write to disk takes: a checkpoint that follows another within five seconds waits
    in memory, and is written by a later one's turn or at the end.
    """

    def __init__(
        self, run: RunFolder, settings: Mapping[str, Any], best: Checkpoint | None = None
    ) -> None:
        self.run, self.settings = run, dict(settings)
        self._best = best
        self._waiting: list[Checkpoint] = []
        self._wrote_at = time.monotonic()

    def record(self, record: Mapping[str, Any]) -> None:
        """Append a line to metrics.jsonl."""
        self.run.metrics.append(record)

    def checkpoint(self, checkpoint: Checkpoint, best: bool, last: bool) -> None:
        """Keep a checkpoint; `best` makes it the best so far, `last` writes what still waits."""
        place = {LOG_BYTES: self.run.metrics.size, SETTINGS: self.settings}
        kept = replace(checkpoint, state=checkpoint.state | place)
        if best or self._best is None:
            self._best = kept
        # Of one step the later one counts: it may know of a validation.
        before = [each for each in self._waiting if each.step != kept.step]
        self._waiting = [*before, kept][-LAST_KEPT:]
        if last or time.monotonic() - self._wrote_at > SECONDS_BETWEEN:
            self.flush()

    def flush(self) -> None:
        """Write what still waits in memory."""
        folder = self.run.checkpoints
        self.run.metrics.sync()
        present = set(checkpoints.steps(folder))
        wanted = {each.step: each for each in self._waiting}
        if self._best is not None and self._best.step not in present | wanted.keys():
            wanted[self._best.step] = self._best
        for step in sorted(wanted):
            checkpoints.save(folder, wanted[step])
        recent = sorted(present | wanted.keys())[-LAST_KEPT:]
        keep = {*recent, *([self._best.step] if self._best else [])}
        checkpoints.prune(folder, keep)
        self._waiting, self._wrote_at = [], time.monotonic()
