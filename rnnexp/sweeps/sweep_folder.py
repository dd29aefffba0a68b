"""What became of each point, read from the run folders under `trials/`."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rnnexp
from rnnexp import storage
from rnnexp.errors import BusyError, CheckpointError, UnsafeError
from rnnexp.reading import check_plain, read_json, read_records, sha256
from rnnexp.recording import checkpoints
from rnnexp.recording.environment import PACKAGES, package_versions
from rnnexp.recording.run_folder import run_paths
from rnnexp.sweeps.definition import Definition
from rnnexp.sweeps.freezing import Plan
from rnnexp.sweeps.points import Point

__all__ = ["SweepFolder", "Trial", "best_trials", "clear_litter", "code_state", "every_trial"]


# The folder of a sweep: what was frozen at its start, and its trials.
#
# sweep.json      name, method, axes, state; versions, hashes of base, points, data and code
# sweep.yaml      the sweep file as it was given, where there was one
# base.yaml       the config that every point changes
# points.jsonl    one point a line
# trials/         ordinary run folders, each with a trial.json that says which point it is
# failures/       one file for each point that left no run, or whose worker died

SWEEP = "sweep.json"
VERSION = 1
TPE_NOTE = "tpe: which points were tried depends on the order in which results came back"
FROZEN = ("base.yaml", "points.jsonl")


class SweepFolder:
    """`runs/<name>-<8 hex>/`, made by `create` or met again by `open`; locked by `lock`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._conducting: storage.FolderLock | None = None
        self._lock: storage.FolderLock | None = None

    @classmethod
    def is_one(cls, path: Path) -> bool:
        """Whether a sweep is frozen there."""
        return (path / SWEEP).is_file() and not path.is_symlink()

    @classmethod
    def create(
        cls, runs: Path, plan: Plan, sweep_yaml: str | None = None, typed: Sequence[str] = ()
    ) -> SweepFolder:
        """Freeze a plan, unless it is there already. Raises StorageError, UnsafeError (a link).

        sweep_yaml, typed: what was asked for, as it was given.
        """
        folder = cls(runs / plan.folder_name)
        if folder.path.is_symlink():
            raise UnsafeError(f"{folder.path} is a symbolic link", hint="sweep under another name")
        storage.ensure_folder(folder.path)
        check_plain(folder.path)
        if cls.is_one(folder.path):
            return folder
        for part in ("trials", "failures"):
            storage.ensure_folder(folder.path / part)
        if sweep_yaml is not None:
            storage.write_text(folder.path / "sweep.yaml", sweep_yaml)
        storage.write_text(folder.path / "base.yaml", plan.base_yaml)
        folder._write_points(plan.points)
        folder._freeze(plan.definition, len(plan.points), typed)
        return folder

    @classmethod
    def open(cls, path: Path) -> SweepFolder:
        """The sweep in `path`.

        Raises CheckpointError (there is none, or it was changed by hand), UnsafeError (something in
        it is a link, a FIFO or a device).
        """
        check_plain(path)
        folder = cls(path)
        if not isinstance(folder.record().get("frozen"), dict):
            raise CheckpointError(f"{path} is not the folder of a sweep: it has no whole {SWEEP}")
        for name, expected in folder.record()["frozen"].items():
            if name not in FROZEN or not (path / name).is_file() or sha256(path / name) != expected:
                raise CheckpointError(
                    f"{path / name} has changed since the sweep was frozen",
                    code="SWP110",
                    hint="put it back as it was, or sweep anew under another name",
                )
        return folder

    @property
    def trials(self) -> Path:
        return self.path / "trials"

    @property
    def lock_descriptor(self) -> int:
        """What keeps the lock held in a child that inherits it."""
        assert self._lock is not None
        return self._lock.descriptor

    def record(self) -> dict[str, Any]:
        """What sweep.json says; empty where it is missing or damaged."""
        return read_json(self.path / SWEEP) or {}

    def update(self, **fields: Any) -> None:
        """Change fields of sweep.json."""
        storage.write_json(self.path / SWEEP, self.record() | fields)

    def lock(self, patience: float) -> None:
        """Hold the sweep for this process and its workers.

        Two locks tell who is there: that of `trials/` is the conductor's alone, that of the sweep
        is its workers', too. So long the workers of a conductor that was killed may take to save
        and leave. Raises BusyError.
        """
        deadline = time.monotonic() + patience
        self._conducting = self._locked(self.trials)
        while True:
            try:
                self._lock = self._locked(self.path)
                return
            except BusyError:
                if time.monotonic() > deadline:
                    self.unlock()
                    raise
            time.sleep(0.05)

    def unlock(self) -> None:
        """Let others have it."""
        for lock in (self._conducting, self._lock):
            if lock is not None:
                lock.close()
        self._conducting = self._lock = None

    def discard(self) -> None:
        """Remove it: nothing was trained. The caller holds it."""
        storage.remove_tree(self.path)

    def _locked(self, path: Path) -> storage.FolderLock:
        try:
            return storage.FolderLock(path)
        except BlockingIOError:
            record = self.record()
            raise BusyError(
                f"{self.path} is being worked on by process {record.get('pid', '?')} on"
                f" {record.get('host', '?')}",
                hint="wait for it, or stop that process first",
            ) from None

    def points(self) -> list[Point]:
        """The points so far, in order. Raises CheckpointError: points.jsonl is damaged."""
        try:
            records = read_records(self.path / "points.jsonl")
            found = [Point.from_json(record) for record in records]
        except (KeyError, TypeError):
            found = []
        if [point.number for point in found] != list(range(len(found))):
            raise CheckpointError(f"{self.path / 'points.jsonl'} is damaged", code="SWP111")
        return found

    def add_point(self, point: Point) -> None:
        """One more, of a search that goes on."""
        with storage.AppendLog(self.path / "points.jsonl") as lines:
            lines.append(point.to_json())
        self.update(points=point.number + 1)

    def fail(self, point: int, failure: Mapping[str, Any]) -> None:
        """Remember why a point has no result."""
        storage.write_json(self.path / "failures" / f"{point}.json", failure)

    def failures(self) -> dict[int, dict[str, Any]]:
        """Why points have none."""
        found = {}
        for path in (self.path / "failures").glob("*.json"):
            if path.stem.isdecimal() and (failure := read_json(path)) is not None:
                found[int(path.stem)] = failure
        return found

    def forget_failure(self, point: int) -> None:
        """It is to be tried again."""
        path = self.path / "failures" / f"{point}.json"
        if path.exists():
            storage.remove_file(path)

    def _write_points(self, points: Iterable[Point]) -> None:
        lines = "".join(json.dumps(point.to_json()) + "\n" for point in points)
        storage.write_text(self.path / "points.jsonl", lines)

    def _freeze(self, definition: Definition, points: int, typed: Sequence[str]) -> None:
        grows = definition.method.name == "tpe"
        names = [name for name in FROZEN if not (grows and name == "points.jsonl")]
        record = {
            "version": VERSION,
            "name": definition.name,
            "method": definition.method.name,
            "axes": [axis.name for axis in definition.axes],
            "definition": definition.to_json(),
            "typed": list(typed),
            "points": points,
            "state": "new",
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "frozen": {name: sha256(self.path / name) for name in names},
            "code": code_state(),
            "data": None,
        }
        if grows:
            record["note"] = TPE_NOTE
        storage.write_json(self.path / SWEEP, record)


def code_state() -> dict[str, Any]:
    """Versions, and a hash over the source of rnnexp: what later trials must share with earlier."""
    digest = hashlib.sha256()
    root = Path(rnnexp.__file__).parent
    for path in sorted(p for p in root.rglob("*.py") if p.parent != root / "cli"):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return {"versions": package_versions(("rnnexp", *PACKAGES)), "sha256": digest.hexdigest()}


# What became of each point, read from the run folders under `trials/`.

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
