"""Whether a run is what it says: its hashes, its log, its config; and, trained again, its bits.

`--replay` trains once more from one checkpoint to the next and compares every bit of the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnexp.config.loading import load_config
from rnnexp.errors import CheckpointError, RnnexpError, UnsafeError
from rnnexp.reading import read_bytes
from rnnexp.recording import checkpoints
from rnnexp.recording.checkpoint_state import progress_of
from rnnexp.recording.checkpoints import Checkpoint, different_tensors
from rnnexp.recording.run_folder import SEAL, RunFolder, broken_files
from rnnexp.running.drift import ENVIRONMENT
from rnnexp.running.resuming import drift_of
from rnnexp.running.runner import LOG_BYTES
from rnnexp.training.device import keep_freed_memory, out_of_memory
from rnnexp.training.experiment import assemble
from rnnexp.training.interrupt import Interrupt
from rnnexp.training.journal import Journal, Silent
from rnnexp.training.trainer import Trainer

__all__ = ["replay_run", "verify_run"]


def verify_run(run: Path) -> dict[str, Any]:
    """Re-hash every file, check the log and name what has changed around the run.

    `damage`: sentences, empty where the run is whole. `drift`: what would make `resume` ask; of a
    damaged run nothing is tried.
    `checkpoints`: the whole ones. `sealed`: whether the run finished and its files carry hashes.
    """
    folder = RunFolder.open(run)
    damage, whole = list(broken_files(run)), []
    for step in checkpoints.steps(folder.checkpoints):
        try:
            checkpoint = checkpoints.load(folder.checkpoints / str(step))
            progress_of(checkpoint)
            whole.append(checkpoint)
        except (CheckpointError, UnsafeError) as error:
            damage.append(str(error))
    for corrupt in sorted(folder.checkpoints.glob("*.corrupt")):
        damage.append(f"checkpoints/{corrupt.name} was found damaged and set aside by a resume")
    damage += _log_damage(run, whole)
    drift: list[str] = []
    if whole and not damage:
        odd, drift = _around(folder, whole)
        damage += odd
    return {
        "run": str(run),
        "damage": damage,
        "checkpoints": [checkpoint.step for checkpoint in whole],
        "sealed": (run / SEAL).is_file(),
        "drift": drift,
    }


def _log_damage(run: Path, whole: list[Checkpoint]) -> Iterator[str]:
    """Each update is on one line of metrics.jsonl at most, and in order."""
    path, before = run / "metrics.jsonl", 0
    data = read_bytes(path) if path.is_file() else b""
    for checkpoint in whole:
        if checkpoint.state.get(LOG_BYTES, 0) > len(data):
            yield f"metrics.jsonl ends before the checkpoint of step {checkpoint.step}"
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
        try:
            record = json.loads(line)
            step = int(record["step"])
        except (ValueError, KeyError, TypeError, RecursionError):
            yield f"metrics.jsonl:{number} is not a line of a log"
            continue
        if "train/loss" in record:
            if step <= before:
                yield f"metrics.jsonl:{number}: step {step} comes after step {before}"
            before = max(before, step)
        if not line.endswith(b"\n"):
            yield f"metrics.jsonl:{number} is torn"


def _around(folder: RunFolder, whole: list[Checkpoint]) -> tuple[list[str], list[str]]:
    """Which checkpoints are not of this training; what has changed around the run.

    What cannot be compared is said. The checkpoints are of another training where settings or data
    have changed, and only then is nothing held against them.
    """
    try:
        config = load_config(folder.path / "resolved.yaml")
        experiment = assemble(config)
        found = [*drift_of(folder, experiment, config, whole[-1])]
        drift = [f"{each.key}: {each.message}" if each.key else each.message for each in found]
        trainer = experiment.trainer()
    except RnnexpError as error:
        return [], [str(error)]
    if any(each.code != ENVIRONMENT for each in found):
        return [], drift
    damage = []
    for checkpoint in whole:
        try:
            trainer.check(checkpoint)
        except CheckpointError as error:
            damage.append(str(error))
    return damage, drift


class _Reached(BaseException):
    """The replay has come to the checkpoint that it was to reach."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint


class _Watch:
    """A recorder that writes nothing and ends the training at the place of a checkpoint."""

    def __init__(self, goal: Checkpoint) -> None:
        self.goal = goal

    def record(self, record: Mapping[str, Any]) -> None:
        pass

    def checkpoint(self, checkpoint: Checkpoint, best: bool, last: bool) -> None:
        if checkpoint.state["cursor"] == self.goal.state["cursor"]:
            raise _Reached(checkpoint)


class _StopAt(Interrupt):
    """A signal that comes after the last update before a checkpoint in the middle of an epoch."""

    def __init__(self, trainer: Trainer, goal: Checkpoint) -> None:
        super().__init__()
        self._trainer, self._goal = trainer, goal

    def pending(self) -> int:
        within = self._goal.state["cursor"]["in_mid_epoch"]
        return 1 if within and self._trainer.step == self._goal.step else 0


@out_of_memory()
def replay_run(run: Path) -> dict[str, Any]:
    """Train from the last checkpoint but one to the last, and compare every tensor.

    `different`: the tensors whose bits are not the same, empty where all are.

    Raises:
        CheckpointError: there are not two checkpoints, or one is damaged.
        RnnexpError: the experiment cannot be put together on this machine.
    """
    keep_freed_memory()
    folder = RunFolder.open(run)
    steps = checkpoints.steps(folder.checkpoints)
    if len(steps) < 2:
        raise CheckpointError(
            f"{run} has {len(steps)} checkpoint{'' if len(steps) == 1 else 's'}, and a replay goes"
            " from one to the next",
            code="CKP120",
        )
    begin, goal = (checkpoints.load(folder.checkpoints / str(step)) for step in steps[-2:])
    progress_of(goal)
    trainer = assemble(load_config(run / "resolved.yaml")).trainer()
    journal = Journal(_Watch(goal), Silent(), trainer.config)
    trainer.resume(begin, begin, journal)
    try:
        trainer.fit(journal, _StopAt(trainer, goal))
    except _Reached as reached:
        return _compared(begin, goal, reached.checkpoint)
    raise CheckpointError(
        f"training from step {begin.step} never came to the place of the checkpoint of step"
        f" {goal.step}",
        code="CKP121",
    )


def _compared(begin: Checkpoint, goal: Checkpoint, ours: Checkpoint) -> dict[str, Any]:
    tensors = len(goal.tensors.keys() | ours.tensors.keys())
    different = different_tensors(goal.tensors, ours.tensors)
    return {"from": begin.step, "to": goal.step, "tensors": tensors, "different": different}
