"""Runs and sweeps as `runs ls` and `runs show` tell of them: cells of a table, objects of JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .table import Cell
from .text import duration, number, safe

if TYPE_CHECKING:
    from rnnexp.reports.runs import RunRow
    from rnnexp.reports.sweeps import SweepRow

__all__ = ["STATE_STYLES", "age", "run_object", "score", "state", "sweep_object", "sweep_state"]

STATE_STYLES = {
    "finished": "green", "running": "cyan", "interrupted": "yellow",
    "dead": "red", "failed": "red", "diverged": "red", "damaged": "red",
}  # fmt: skip


def state(row: RunRow) -> Cell:
    """The state of a run in its colour."""
    return safe(row.state), STATE_STYLES.get(row.state, "dim")


def sweep_state(row: SweepRow) -> tuple[str, str]:
    """How far a sweep is: `12/15 done`, or `12/15 stopped` where nobody goes on with it."""
    if row.state == "damaged":
        return "damaged", STATE_STYLES["damaged"]
    word = "stopped" if row.state == "interrupted" else "done"
    return f"{row.done}/{row.total} {word}", STATE_STYLES.get(row.state, "dim")


def score(name: str | None, value: float | None, heading: str | None) -> str:
    """A value under a heading that names its metric, or with its name where rows have several."""
    if name is None or value is None:
        return ""
    return number(value) if heading else f"{safe(name).partition('/')[2]} {number(value)}"


def age(started: datetime | None) -> str:
    """How long ago something began."""
    if started is None:
        return ""
    return duration(max(1, round((datetime.now(UTC) - started).total_seconds())))


def run_object(row: RunRow) -> dict[str, Any]:
    """A run for `--json`."""
    return {
        "run": str(row.path),
        "name": row.name,
        "state": row.state,
        "started": _iso(row.started),
        "seconds": row.seconds,
        "steps": row.steps,
        "seed": row.seed,
        "monitor": row.monitor,
        "best": row.best,
        "metrics": dict(row.metrics),
        "baselines": {name: dict(scores) for name, scores in row.baselines.items()},
        "curve": list(row.curve),
        "trial": _trial(row),
        "warning": row.warning,
    }


def _trial(row: RunRow) -> dict[str, Any] | None:
    return {"point": row.trial.point, "labels": dict(row.trial.labels)} if row.trial else None


def sweep_object(row: SweepRow) -> dict[str, Any]:
    """A sweep for `--json`."""
    return {
        "sweep": str(row.path),
        "name": row.name,
        "state": row.state,
        "started": _iso(row.started),
        "method": row.method,
        "points": row.points,
        "axes": list(row.axes),
        "done": row.done,
        "trials": dict(row.trials),
        "best_trial": str(row.best.path) if row.best else None,
        "monitor": row.best.monitor if row.best else None,
        "best": row.best.best if row.best else None,
        "note": row.note,
        "warning": row.warning,
    }


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
