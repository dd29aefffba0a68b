"""Where trials run. The local engine is one; a cluster's would stand beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

__all__ = ["Engine", "Event", "Job"]

Task = Literal["check", "train", "resume"]
EventKind = Literal[
    "started", "progress", "validated", "finished", "pruned", "interrupted", "failed", "lost"
]


@dataclass(frozen=True)
class Job:
    """What a worker is asked to do with a point.

    overrides: of base.yaml. trial: for trial.json. run: the folder to go on with. prunable: a word
    is awaited after each validation. data: SHA-256 by path, where the data are frozen already.
    """

    task: Task
    point: int
    overrides: tuple[str, ...] = ()
    trial: Mapping[str, Any] = field(default_factory=dict)
    run: Path | None = None
    prunable: bool = False
    data: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Event:
    """What became of a job. lost: its worker died.

    fields: `run` (started); `step`, `total`, `loss` (progress); `step`, `metrics` (validated);
    `summary` (finished), or `data` of a check; `exit`, `errors` (failed); `reason` (lost).
    """

    kind: EventKind
    job: Job
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """What went wrong, of a job that failed or was lost."""
        errors = self.fields.get("errors", ())
        told = [str(error.get("message", "")) for error in errors[:3]]
        return "; ".join(told) or str(self.fields.get("reason", self.kind))


class Engine(Protocol):
    """Runs jobs; at most `capacity` at a time."""

    capacity: int

    def warm_up(self, count: int) -> None:
        """There will be so many jobs: get ready for them."""

    def submit(self, job: Job) -> None:
        """Start a job; there must be room for it."""

    def poll(self, seconds: float) -> list[Event]:
        """What has happened; waits at most so long for something to happen."""

    def answer(self, job: Job, go_on: bool) -> None:
        """Whether a job that has validated and can be pruned goes on."""

    def cancel(self) -> None:
        """Ask every job to save a checkpoint and stop."""

    def kill(self) -> None:
        """End every worker at once."""

    def close(self) -> None:
        """Let the workers go; those that do not go are ended."""
