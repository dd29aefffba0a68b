"""`rnnexp runs rm`: runs and sweeps that are no longer wanted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnnexp.errors import CommandError

from .help import DebugOption, JsonOption, RunsOption
from .render import print_json
from .tables import Cell, Column, table
from .terminal import duration, number, print_text, safe, style, wrapped

if TYPE_CHECKING:
    from rnnexp.reports.run_index import RunRow, SweepRow

__all__ = ["STATE_STYLES", "age", "ls", "rm", "run_object", "sweep_object", "sweep_state"]


# Runs and sweeps as `runs ls` and `runs show` tell of them: cells of a table, objects of JSON.

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


# `rnnexp runs ls`: what was run, and how it went.

UNFINISHED = ("running", "interrupted", "dead", "failed", "diverged", "pruned")
"""of these the curve is read from the log"""


def ls(
    sweep: Annotated[
        str | None,
        typer.Argument(
            metavar="SWEEP", help="A sweep, to list its trials instead.", show_default=False
        ),
    ] = None,
    runs: RunsOption = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", "-n", min=0, metavar="N", help="Only the newest N.", show_default=False
        ),
    ] = 0,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List the runs and sweeps, the newest first, or the trials of a sweep.

    Columns are the loss over the run, the best value of the monitored validation metric, the same
    metric on test, the time it took and how long ago it began. A run that says it is running but
    whose process is gone is `dead`. A sweep is one row: how many of its trials are done, and the
    scores of the one that validated best.

    Example:
      rnnexp runs ls
      rnnexp runs ls -n 5 --json
    """
    from rnnexp.reports.run_index import runs_folder

    folder = runs_folder(runs)
    if sweep is None:
        _list_all(folder, limit, json)
    else:
        _list_trials(sweep, folder, limit, json)


def _list_all(folder: Path, limit: int, json: bool) -> None:
    from rnnexp.reports.run_index import RunRow, listing

    shown, older = listing(folder, limit)
    if json:
        found = [run_object(row) for row in shown if isinstance(row, RunRow)]
        sweeps = [sweep_object(row) for row in shown if not isinstance(row, RunRow)]
        print_json({"runs": found, "sweeps": sweeps})
    elif not shown:
        print_text(f"no runs in {safe(str(folder))} yet; rnnexp train CONFIG makes one")
    else:
        print_text(_runs_table(shown))
        _say_the_rest(shown, older)


def _list_trials(reference: str, folder: Path, limit: int, json: bool) -> None:
    from rnnexp.reports.run_index import each_run, read_sweep, sweep_named, trial_paths

    path = sweep_named(reference, folder)
    sweep, paths = read_sweep(path), trial_paths(path)
    shown = list(each_run(paths[:limit] if limit else paths))
    if json:
        print_json({"runs": [run_object(row) for row in shown], "sweeps": [sweep_object(sweep)]})
        return
    print_text(f"{safe(sweep.path.name)}  {sweep_state(sweep)[0]}\n")
    if shown:
        print_text(_trials_table(shown, sweep))
    _say_the_rest([sweep, *shown], len(paths) - len(shown))
    ways = f"rnnexp runs compare {sweep.path.name}; rnnexp runs show {sweep.path.name}/TRIAL"
    print_text("\n" + style(wrapped(safe(ways), sys.stdout), "dim", sys.stdout))


def _say_the_rest(shown: Sequence[RunRow | SweepRow], older: int) -> None:
    for row in shown:
        if row.warning:
            print_text(f"warning: {safe(row.path.name)}: {safe(row.warning)}", sys.stderr)
    if older > 0:
        print_text(style(f"{older} older runs not shown", "dim", sys.stdout))


def _runs_table(rows: Sequence[RunRow | SweepRow]) -> str:
    best = [_scored(row) for row in rows]
    headings = _headings(best)
    columns = [
        Column("run"),
        Column("state", goes=1),
        Column("loss", goes=3),
        *_score_columns(best),
    ]
    columns += [Column("took", right=True, goes=6), Column("age", right=True, goes=5)]
    cells: list[list[Cell]] = [
        [safe(row.path.name), *_told(row), *_scores(scored, headings), _took(row), age(row.started)]
        for row, scored in zip(rows, best, strict=True)
    ]
    return table(columns, cells, sys.stdout)


def _trials_table(rows: Sequence[RunRow], sweep: SweepRow) -> str:
    """A row a trial: what it tried, and how that went."""
    from rnnexp.reports.comparison import setting

    from .compare_table import setting_text, title

    headings = _headings(rows)
    columns = [Column("trial"), Column("point", right=True, goes=7), Column("state", goes=2)]
    columns += [Column(title(axis, sweep.axes), goes=2) for axis in sweep.axes]
    columns += [Column("loss", goes=3), *_score_columns(rows), Column("took", right=True, goes=6)]
    cells: list[list[Cell]] = []
    for row in rows:
        tried: list[Cell] = [setting_text(setting(row, axis)) for axis in sweep.axes]
        told, curve = _told(row)
        point = str(row.trial.point) if row.trial and row.trial.point is not None else ""
        cells.append([_short(row), point, told, *tried, curve, *_scores(row, headings), _took(row)])
    return table(columns, cells, sys.stdout)


def _short(row: RunRow) -> str:
    """The end of a trial's name, which tells it from the others of its sweep."""
    from rnnexp.recording.run_folder import FOLDER_NAME

    name = row.path.name
    return name[-6:] if FOLDER_NAME.fullmatch(name) else safe(name)


def _scored(row: RunRow | SweepRow) -> RunRow | None:
    """The run whose scores a row shows: of a sweep the best trial's."""
    from rnnexp.reports.run_index import RunRow

    return row if isinstance(row, RunRow) else row.best


def _told(row: RunRow | SweepRow) -> list[Cell]:
    """The state, and the loss over the run."""
    from rnnexp.reports.curves import recent, sparkline
    from rnnexp.reports.run_index import RunRow

    if not isinstance(row, RunRow):
        return [sweep_state(row), ""]
    curve = row.curve
    if not curve and row.state in UNFINISHED:
        curve = recent(row.path / "metrics.jsonl")
    return [state(row), sparkline(curve)]


def _took(row: RunRow | SweepRow) -> str:
    from rnnexp.reports.run_index import RunRow

    return duration(row.seconds) if isinstance(row, RunRow) else ""


def _headings(rows: Sequence[RunRow | None]) -> tuple[str | None, str | None]:
    """The one validation and the one test metric that all rows show, so that it is said once."""
    known = [row for row in rows if row is not None]
    return _one({row.monitor for row in known}), _one({row.test_metric for row in known})


def _one(names: set[str | None]) -> str | None:
    names = names - {None}
    return safe(names.pop() or "") if len(names) == 1 else None


def _score_columns(rows: Sequence[RunRow | None]) -> list[Column]:
    val, test = _headings(rows)
    return [Column(val or "val", right=True, goes=2), Column(test or "test", right=True, goes=4)]


def _scores(row: RunRow | None, headings: tuple[str | None, str | None]) -> list[Cell]:
    if row is None:
        return ["", ""]
    test = row.metrics.get(row.test_metric or "")
    return [score(row.monitor, row.best, headings[0]), score(row.test_metric, test, headings[1])]


# `rnnexp runs rm`: runs and sweeps that are no longer wanted.


def rm(
    references: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN",
            help="A folder, the beginning of a name, `latest`, SWEEP/TRIAL, or a sweep.",
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Remove runs, and sweeps with all their trials, for good.

    Nothing is removed where one of them is no run, or is being worked on by a process.

    Example:
      rnnexp runs rm latest
      rnnexp runs rm 20261125-183917 20261125-184230 --yes
    """
    from rnnexp.recording.removal import check_removable, remove
    from rnnexp.reports.run_index import find_run, names_a_sweep, runs_folder

    folder = runs_folder(runs)
    found = [names_a_sweep(each, folder) or find_run(each, folder) for each in references]
    paths = list(dict.fromkeys(found))
    for path in paths:
        check_removable(path)
    if not (yes or _agreed(paths, json)):
        print_text("nothing was removed", sys.stderr)
        return
    for path in paths:
        remove(path)
        print_text(f"removed {safe(str(path))}", sys.stderr if json else sys.stdout)
    if json:
        print_json({"removed": [str(path) for path in paths]})


def _agreed(paths: list[Path], json: bool) -> bool:
    """Asks the person at the terminal. Raises CommandError where there is none."""
    if json or not sys.stdin.isatty():
        raise CommandError(
            "nobody is there to be asked whether to remove this",
            code="CMD132",
            hint="--yes removes without asking",
        )
    for path in paths:
        print_text(safe(str(path)), sys.stderr)
    many = "this" if len(paths) == 1 else f"these {len(paths)}"
    return typer.confirm(f"remove {many} for good?", err=True)
