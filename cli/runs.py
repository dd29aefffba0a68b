"""`rnnexp runs ls`: what was run, and how it went."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import DebugOption, JsonOption, RunsOption
from .render import print_json
from .rows import age, run_object, score, state, sweep_object, sweep_state
from .table import Cell, Column, table
from .text import duration, print_text, safe, style, wrapped

if TYPE_CHECKING:
    from rnnexp.reports.runs import RunRow
    from rnnexp.reports.sweeps import SweepRow

__all__ = ["ls"]

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
    from rnnexp.reports.runs import runs_folder

    folder = runs_folder(runs)
    if sweep is None:
        _list_all(folder, limit, json)
    else:
        _list_trials(sweep, folder, limit, json)


def _list_all(folder: Path, limit: int, json: bool) -> None:
    from rnnexp.reports.listing import listing
    from rnnexp.reports.runs import RunRow

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
    from rnnexp.reports.runs import each_run
    from rnnexp.reports.sweeps import read_sweep, sweep_named, trial_paths

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

    from .compare_sheet import setting_text
    from .compare_table import title

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
    from rnnexp.recording.folders import FOLDER_NAME

    name = row.path.name
    return name[-6:] if FOLDER_NAME.fullmatch(name) else safe(name)


def _scored(row: RunRow | SweepRow) -> RunRow | None:
    """The run whose scores a row shows: of a sweep the best trial's."""
    from rnnexp.reports.runs import RunRow

    return row if isinstance(row, RunRow) else row.best


def _told(row: RunRow | SweepRow) -> list[Cell]:
    """The state, and the loss over the run."""
    from rnnexp.reports.curves import recent, sparkline
    from rnnexp.reports.runs import RunRow

    if not isinstance(row, RunRow):
        return [sweep_state(row), ""]
    curve = row.curve
    if not curve and row.state in UNFINISHED:
        curve = recent(row.path / "metrics.jsonl")
    return [state(row), sparkline(curve)]


def _took(row: RunRow | SweepRow) -> str:
    from rnnexp.reports.runs import RunRow

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
