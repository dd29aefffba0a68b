"""Which checkpoint of a run is used: the best one to ask, the newest whole one to go on from."""

from __future__ import annotations

from contextlib import suppress

from rnnexp import storage
from rnnexp.errors import CheckpointError
from rnnexp.recording import checkpoints
from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.recording.progress import ODD_STATE, progress_of
from rnnexp.recording.run_folder import RunFolder

__all__ = ["best_checkpoint", "newest_whole"]


def best_checkpoint(run: RunFolder) -> Checkpoint:
    """The checkpoint that validated best, as the newest one knows it.

    Raises:
        CheckpointError: the run has no checkpoint yet, or a damaged one.
    """
    steps = [step for step in checkpoints.steps(run.checkpoints) if step > 0]
    if not steps:
        raise _none(run)
    newest = checkpoints.load(run.checkpoints / str(steps[-1]))
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
