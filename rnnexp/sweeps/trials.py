"""What became of each point, read from the run folders under `trials/`."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnexp import storage
from rnnexp.recording import checkpoints
from rnnexp.recording.folders import run_paths
from rnnexp.recording.text_files import read_json

__all__ = ["RANKS", "Trial", "best_trials", "clear_litter", "every_trial"]

RANKS = ("finished", "pruned", "diverged", "failed", "interrupted", "running", "damaged")
"""of several runs of one point the first of these counts"""
TRIAL_NAME = re.compile(r"\d{8}-\d{6}-.+-(\d{4,})-[0-9a-f]{6}", re.ASCII)
UNFINISHED = ("interrupted", "running", "failed")


@dataclass(frozen=True)
class Trial:
    """A run folder of a sweep. step: how far it came. summary: as in summary.json, or empty."""

    path: Path
    point: int
    state: str
    step: int
    summary: dict[str, Any]

    @property
    def rank(self) -> tuple[int, int, str]:
        """Sorts the run of a point that counts to the front."""
        return (RANKS.index(self.state), -self.step, self.path.name)

    @property
    def resumable(self) -> bool:
        """Whether it can go on from a checkpoint."""
        return self.state in UNFINISHED and bool(checkpoints.steps(self.path / "checkpoints"))

    @property
    def value(self) -> float | None:
        """What it is judged by: the monitored metric of its best checkpoint."""
        value = self.summary.get("metrics", {}).get(self.summary.get("monitor"))
        return float(value) if isinstance(value, int | float) else None


def every_trial(folder: Path, pattern: str = "*") -> Iterator[Trial]:
    """Every run there that says which point it is, in the order of their names."""
    for path in sorted(folder.glob(pattern)):
        if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            trial = _read(path)
            if trial is not None:
                yield trial


def best_trials(folder: Path, point: int | None = None) -> dict[int, Trial]:
    """For each point the run that counts: finished before unfinished, then the furthest.

    point: only the runs of this one.
    """
    found: dict[int, Trial] = {}
    suffix = "*" if point is None else f"*-{point:04d}-*"
    for trial in every_trial(folder, suffix):
        known = found.get(trial.point)
        if known is None or trial.rank < known.rank:
            found[trial.point] = trial
    return dict(sorted(found.items()))


def clear_litter(folder: Path, points: Container[int]) -> None:
    """Remove what a kill left of runs that had saved nothing yet; nobody may work there now.

    points: those of the sweep. Only a folder with the name of a trial of one of them is removed.
    """
    for path in run_paths(folder):
        name = TRIAL_NAME.fullmatch(path.name)
        if name is None or int(name[1]) not in points:
            continue
        empty = not any(path.iterdir())
        unsaved = (path / "checkpoints").is_dir() and not checkpoints.steps(path / "checkpoints")
        if empty or (
            unsaved and (read_json(path / "status.json") or {}).get("state") != "diverged"
        ):
            storage.remove_tree(path)


def _read(path: Path) -> Trial | None:
    trial, status = read_json(path / "trial.json"), read_json(path / "status.json")
    point = (trial or {}).get("point")
    if not isinstance(point, int):
        return None
    state = (status or {}).get("state")
    summary = read_json(path / "summary.json") if state == "finished" else None
    if state not in RANKS or (state == "finished" and summary is None):
        state = "damaged"
    step = (status or {}).get("step")
    return Trial(path, point, state, step if isinstance(step, int) else 0, summary or {})
