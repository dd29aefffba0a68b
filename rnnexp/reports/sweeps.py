"""A sweep as its folder tells it: what it was to try, and how far its trials are."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rnnexp.config.nearest import nearest
from rnnexp.errors import CommandError, Problem, RnnexpError
from rnnexp.reading import check_plain
from rnnexp.recording.folders import TRIALS, run_paths, sweep_paths
from rnnexp.recording.text_files import read_json
from rnnexp.reports.runs import RunRow, each_run, find_sweep, sweep_known_as

__all__ = ["SweepRow", "names_a_sweep", "note_of", "read_sweep", "sweep_named", "trial_paths"]


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One sweep in a table.

    state: as in sweep.json, or `damaged`. method: grid, random or tpe. points: how many there are.
    axes: the dotted keys, or names of choices, that it goes through. trials: how many of its trials
    are in which state. best: the trial that validated best, by the metric it was to watch.
    """

    path: Path
    name: str
    state: str
    method: str | None = None
    points: int | None = None
    axes: tuple[str, ...] = ()
    started: datetime | None = None
    note: str | None = None
    trials: Mapping[str, int] = field(default_factory=dict)
    best: RunRow | None = None
    warning: str | None = None

    @property
    def done(self) -> int:
        """Trials that have finished, or were stopped as others were better."""
        return self.trials.get("finished", 0) + self.trials.get("pruned", 0)

    @property
    def total(self) -> int:
        """Trials that there are to be."""
        return sum(self.trials.values()) if self.points is None else self.points


def trial_paths(sweep: Path) -> list[Path]:
    """The folders of a sweep's trials, the newest first."""
    return [] if (sweep / TRIALS).is_symlink() else run_paths(sweep / TRIALS)


def names_a_sweep(reference: str, runs: Path) -> Path | None:
    """The sweep that a reference means where it means no run. Raises CommandError."""
    with suppress(OSError, ValueError):
        if os.path.lexists(Path(reference) / "status.json"):
            return None
    if any(reference and path.name.startswith(reference) for path in run_paths(runs)):
        return None
    return find_sweep(reference, runs)


def sweep_named(reference: str, runs: Path) -> Path:
    """The folder of the sweep that a reference means. Raises CommandError where it means none."""
    found = sweep_known_as(reference, runs)
    if found is not None:
        return found
    names = [path.name for path in sweep_paths(runs)]
    near = nearest(reference, names, 0.4)
    raise CommandError(
        Problem(
            code="CMD113",
            message=f"no such sweep; there are {len(names) or 'none'} in {runs}",
            key="sweep",
            value=reference,
            suggestion=near,
            allowed=", ".join(names[:3]) + (", ..." if len(names) > 3 else "") or None,
            hint="a sweep is given by its folder or the beginning of its name",
        )
    )


def note_of(sweep: Path) -> str | None:
    """What a reader of the sweep's results must know."""
    return _text(_record(sweep)[0].get("note"))


def read_sweep(path: Path) -> SweepRow:
    """One sweep with its trials counted."""
    record, warning = _record(path)
    best, states = None, Counter[str]()
    for row in each_run(trial_paths(path)):
        states[row.state] += 1
        best = row if _better(row, best) else best
    return SweepRow(
        path=path,
        name=str(record.get("name") or path.name),
        state=str(record.get("state") or "damaged"),
        method=_text(record.get("method")),
        points=_whole(record.get("points")),
        axes=_axes(record.get("axes")),
        started=_time(record.get("started")),
        note=_text(record.get("note")),
        trials=dict(states),
        best=best,
        warning=warning,
    )


def _record(path: Path) -> tuple[dict[str, Any], str | None]:
    try:
        check_plain(path, levels=2)  # what is in a trial is for its own row
        record = read_json(path / "sweep.json")
    except RnnexpError as error:
        return {}, str(error)
    return (record, None) if record is not None else ({}, "sweep.json is damaged")


def _better(row: RunRow, best: RunRow | None) -> bool:
    """Whether a trial is the best so far; a value that is not a number never is."""
    if row.state != "finished" or row.best is None or row.best != row.best:
        return False
    if best is None or best.best is None or best.monitor != row.monitor:
        return best is None
    return row.best > best.best if row.larger else row.best < best.best


def _axes(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _text(value: Any) -> str | None:
    return str(value) if value else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _time(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
