"""The checkpoint of a run that is used: the best one, as the newest one knows it."""

from __future__ import annotations

from rnnexp.errors import CheckpointError
from rnnexp.recording import checkpoints
from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.recording.run_folder import RunFolder

__all__ = ["best_checkpoint"]


def best_checkpoint(run: RunFolder) -> Checkpoint:
    """The checkpoint that validated best.

    Raises:
        CheckpointError: the run has no checkpoint yet, or a damaged one.
    """
    steps = checkpoints.steps(run.checkpoints)
    if not steps:
        raise CheckpointError(
            f"{run.path} has no checkpoint yet (state: {run.status().get('state', 'unknown')})",
            code="CKP101",
            hint="start again with: rnnexp train " + str(run.path / "config.yaml"),
        )
    newest = checkpoints.load(run.checkpoints / str(steps[-1]))
    best = int(newest.state["best_step"])
    return newest if best == newest.step else checkpoints.load(run.checkpoints / str(best))
