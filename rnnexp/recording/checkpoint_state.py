"""Which checkpoint of a run is used: the best one to ask, the newest whole one to go on from."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, model_validator

from rnnexp import storage
from rnnexp.errors import CheckpointError, Problem
from rnnexp.recording import checkpoints
from rnnexp.recording.checkpoints import STATE, Checkpoint
from rnnexp.recording.run_folder import RunFolder

__all__ = ["best_checkpoint", "newest_whole", "odd_state", "progress_of"]


# What the state.json of a training's checkpoint must say, key by key, before any of it is used.

ODD_STATE = "CKP011"

Count = Annotated[int, Field(ge=0, le=2**53)]
NotNegative = Annotated[float, Field(ge=0)]
Unbounded = Annotated[float, Field(allow_inf_nan=True)]
Limit = tuple[NotNegative, Annotated[float, Field(ge=0, allow_inf_nan=True)]]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class _Cursor(_Part):
    epoch: Count
    batch: Count
    window: Count
    in_mid_epoch: bool


class _Stopping(_Part):
    best: float | None
    reference: float | None
    latest: float | None
    waited: Count


class _Schedule(_Part):
    plateau: Annotated[float, Field(ge=0, le=1)]
    waited: Count


class _Clipping(_Part):
    """What `AutoClipper` keeps; the others keep nothing, and which is which the training knows."""

    mean: NotNegative = 0.0
    weight: Annotated[float, Field(ge=0, le=1)] = 0.0
    threshold: NotNegative | None = None


class _Statistics(_Part):
    updates: Count
    clipped: Count
    tokens: Count
    loss: float
    norm: NotNegative
    largest_norm: NotNegative


class _Journal(_Part):
    statistics: _Statistics
    seconds: Annotated[float, Field(ge=0, le=1e10)]


class Progress(_Part):
    """How far a training had come. Only metrics other than the monitored one may be NaN.

    log_bytes, settings: what `RunRecorder` adds; an earlier rnnexp wrote no settings.
    """

    step: Count
    cursor: _Cursor
    stopped_by: Literal["epochs", "max_steps", "max_minutes", "early_stopping"] | None
    ended: bool
    strike: Annotated[Limit, Strict(False)] | None = None
    monitor: float | None
    best_step: Count
    best_metrics: dict[str, Unbounded]
    stopping: _Stopping
    schedule: _Schedule
    clipping: _Clipping
    journal: _Journal
    signature: dict[str, Any] = {}
    log_bytes: Count = 0
    settings: dict[str, Any] = {}

    @model_validator(mode="after")
    def _in_order(self) -> Progress:
        """Every epoch makes an update, and the best step lies behind."""
        for key, count in (("cursor.epoch", self.cursor.epoch), ("best_step", self.best_step)):
            if count > self.step:
                raise ValueError(f"{key} is {count:,} after {self.step:,} updates")
        return self


def progress_of(checkpoint: Checkpoint) -> Progress:
    """The state of a checkpoint, every key checked. Raises CheckpointError naming file and key."""
    problems: list[tuple[str, str, str | None]] = []
    try:
        progress = Progress.model_validate(checkpoint.state)
        if progress.step == checkpoint.step:
            return progress
        problems.append(("step", f"{progress.step}, in the checkpoint of {checkpoint.step}", None))
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False):
            key = ".".join(map(str, each["loc"]))
            missing = each["type"] == "missing" or not key
            problems.append((key, each["msg"], None if missing else repr(each["input"])[:60]))
    raise CheckpointError(_odd(checkpoint, *each) for each in problems[:10])


def odd_state(checkpoint: Checkpoint, key: str, message: str) -> CheckpointError:
    """The error for a key that says what cannot be."""
    return CheckpointError(_odd(checkpoint, key, message))


def _odd(checkpoint: Checkpoint, key: str, message: str, value: str | None = None) -> Problem:
    file = checkpoint.path / STATE if checkpoint.path else STATE
    return Problem(
        code=ODD_STATE,
        message=f"{file} is not the state of a checkpoint: {key or 'all of it'}: {message}",
        key=key or None,
        value=value,
        hint="an earlier step of the same run may be whole; rnnexp runs show lists them",
    )


# Which checkpoint of a run is used: the best one to ask, the newest whole one to go on from.


def best_checkpoint(run: RunFolder) -> Checkpoint:
    """The checkpoint that validated best, as the newest one knows it.

    Raises:
        CheckpointError: the run has no checkpoint yet, or a damaged one.
    """
    kept = [step for step in checkpoints.steps(run.checkpoints) if step > 0]
    if not kept:
        raise _none(run)
    newest = checkpoints.load(run.checkpoints / str(kept[-1]))
    best = progress_of(newest).best_step
    return newest if best == newest.step else checkpoints.load(run.checkpoints / str(best))


def newest_whole(run: RunFolder, fallback: bool) -> tuple[Checkpoint, Checkpoint, list[str]]:
    """The newest checkpoint that is whole with its best one, and what a person must be told.

    A damaged one is kept as `<step>.corrupt`. fallback: then the one before is taken.

    Raises:
        CheckpointError: there is none, or the newest is damaged and nothing else is to be taken.
    """
    notes: list[str] = []
    for step in reversed(checkpoints.steps(run.checkpoints)):
        try:
            newest = checkpoints.load(run.checkpoints / str(step))
            best = progress_of(newest).best_step
            if best == step:
                return newest, newest, notes
            return newest, _load_whole(run, best), notes
        except CheckpointError as error:
            # Whose bytes are as they were written is not damaged: nothing is set aside.
            if not fallback or error.problems[0].code == ODD_STATE:
                raise
            notes.append(f"{error}; going on from the checkpoint before")
            with suppress(FileNotFoundError):
                _set_aside(run, step)
    raise _none(run)


def _load_whole(run: RunFolder, step: int) -> Checkpoint:
    """A checkpoint; where it is damaged it is set aside. Raises CheckpointError."""
    try:
        return checkpoints.load(run.checkpoints / str(step))
    except CheckpointError:
        _set_aside(run, step)
        raise


def _set_aside(run: RunFolder, step: int) -> None:
    place = run.checkpoints / str(step)
    if place.is_dir():
        storage.move_folder(place, run.checkpoints / f"{step}.corrupt")


def _none(run: RunFolder) -> CheckpointError:
    return CheckpointError(
        f"{run.path} has no checkpoint yet (state: {run.status().get('state', 'unknown')})",
        code="CKP101",
        hint="start again with: rnnexp train " + str(run.path / "config.yaml"),
    )
