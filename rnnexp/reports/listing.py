"""What there is in a folder of runs: runs and sweeps together, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rnnexp.recording.folders import run_paths, sweep_paths
from rnnexp.reports.runs import RunRow, each_run
from rnnexp.reports.sweeps import SweepRow, read_sweep

__all__ = ["listing"]

LONG_AGO = datetime.min.replace(tzinfo=UTC)


def listing(folder: Path, newest: int = 0) -> tuple[list[RunRow | SweepRow], int]:
    """The newest runs and sweeps (all for 0), and how many older ones there are."""
    paths = run_paths(folder)
    kept = paths[:newest] if newest else paths
    sweeps = [read_sweep(path) for path in sweep_paths(folder)]
    rows = _together(list(each_run(kept)), sweeps)
    shown = rows[:newest] if newest else rows
    return shown, len(paths) + len(sweeps) - len(shown)


def _together(runs: Sequence[RunRow], sweeps: Sequence[SweepRow]) -> list[RunRow | SweepRow]:
    """Each sweep before the first run that began before it; the runs stay in their order."""
    waiting = sorted(sweeps, key=lambda sweep: sweep.started or LONG_AGO)
    rows: list[RunRow | SweepRow] = []
    for run in runs:
        while waiting and (waiting[-1].started or LONG_AGO) > (run.started or LONG_AGO):
            rows.append(waiting.pop())
        rows.append(run)
    return rows + waiting[::-1]
