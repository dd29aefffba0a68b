"""`rnnexp runs`: what was run, and how it went."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnnexp.errors import CheckFailedError

from .details import details_text
from .options import DebugOption, JsonOption, RunsOption
from .render import print_json
from .scores import score_table
from .table import Cell, Column, fact_lines, table
from .text import duration, number, print_text, safe, style, width_of

if TYPE_CHECKING:
    from rnnexp.reports.runs import RunRow

__all__ = ["ls", "show", "verify"]

STOPPED = ("interrupted", "dead", "failed")
STATE_STYLES = {
    "finished": "green", "running": "cyan", "interrupted": "yellow",
    "dead": "red", "failed": "red", "diverged": "red", "damaged": "red",
}  # fmt: skip


def ls(
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
    """List the runs, the newest first.

    Columns are the best value of the monitored validation metric, the same metric on test, the
    time it took and how long ago it began. A run that says it is running but whose process is gone
    is `dead`.

    Example:
      rnnexp runs ls
      rnnexp runs ls -n 5 --json
    """
    from rnnexp.reports.runs import list_runs, runs_folder

    folder = runs_folder(runs)
    rows = list_runs(folder)
    shown = rows[:limit] if limit else rows
    if json:
        print_json({"runs": [_as_object(row) for row in shown]})
        return
    if not rows:
        print_text(f"no runs in {safe(str(folder))} yet; rnnexp train CONFIG makes one")
        return
    print_text(_runs_table(shown))
    for row in shown:
        if row.warning:
            print_text(f"warning: {safe(row.path.name)}: {safe(row.warning)}", sys.stderr)
    if len(shown) < len(rows):
        print_text(style(f"{len(rows) - len(shown)} older runs not shown", "dim", sys.stdout))


def _runs_table(rows: Sequence[RunRow]) -> str:
    val, test = _common(rows, "monitor"), _common(rows, "test_metric")
    columns = [
        Column("run"),
        Column("state", goes=1),
        Column(val or "val", right=True, goes=2),
        Column(test or "test", right=True, goes=1),
        Column("took", right=True, goes=4),
        Column("age", right=True, goes=3),
    ]
    cells: list[list[Cell]] = [
        [
            safe(row.path.name),
            (safe(row.state), STATE_STYLES.get(row.state, "dim")),
            _score(row.monitor, row.best, val),
            _score(row.test_metric, row.metrics.get(row.test_metric or ""), test),
            duration(row.seconds),
            _age(row.started),
        ]
        for row in rows
    ]
    return table(columns, cells, sys.stdout)


def _common(rows: Sequence[RunRow], attribute: str) -> str | None:
    """The one metric that all rows show, so that the heading can name it once."""
    names = {getattr(row, attribute) for row in rows} - {None}
    return safe(names.pop()) if len(names) == 1 else None


def _score(name: str | None, value: float | None, heading: str | None) -> str:
    if name is None or value is None:
        return ""
    return number(value) if heading else f"{safe(name).partition('/')[2]} {number(value)}"


def _age(started: datetime | None) -> str:
    return (
        ""
        if started is None
        else duration(max(1, round((datetime.now(UTC) - started).total_seconds())))
    )


def _as_object(row: RunRow) -> dict[str, Any]:
    return {
        "run": str(row.path),
        "name": row.name,
        "state": row.state,
        "started": row.started.isoformat() if row.started else None,
        "seconds": row.seconds,
        "steps": row.steps,
        "monitor": row.monitor,
        "best": row.best,
        "metrics": dict(row.metrics),
        "baselines": {name: dict(scores) for name, scores in row.baselines.items()},
        "warning": row.warning,
    }


def show(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A folder, the beginning of a name, or `latest`.")
    ],
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show one run: metrics beside the baselines, learning curve, checkpoints.

    Example:
      rnnexp runs show latest
    """
    from rnnexp.recording.checkpoints import steps
    from rnnexp.recording.text_files import read_json, read_records
    from rnnexp.reports.runs import find_run, read_run, runs_folder

    path = find_run(run, runs_folder(runs))
    row = read_run(path)
    saved = steps(path / "checkpoints")
    classes = read_json(path / "classes.json") or {}
    plots = sorted(plot.name for plot in (path / "plots").glob("*.png"))
    if json:
        print_json(
            _as_object(row)
            | {"checkpoints": saved, "best_step": row.summary.get("best_step"), "plots": plots}
            | {"classes": classes.get("classes", [])}
        )
        return
    print_text(_heading(row))
    if row.metrics:
        print_text("\n" + score_table(row.metrics, row.baselines, sys.stdout))
    if details := details_text({**row.summary, **classes}, sys.stdout):
        print_text("\n" + details)
    curves = _learning_curve(list(read_records(path / "metrics.jsonl")))
    if curves:
        print_text("\n" + curves)
    print_text("\n" + _places(row, saved, plots))
    if row.warning:
        print_text(f"warning: {safe(row.warning)}", sys.stderr)
    if row.state in STOPPED and saved:
        print_text(f"rnnexp resume {safe(row.path.name)} goes on where it stopped")


def _heading(row: RunRow) -> str:
    state = style(safe(row.state), STATE_STYLES.get(row.state, "dim"), sys.stdout)
    if row.summary.get("stopped_by"):
        state += f" (stopped by {safe(str(row.summary['stopped_by']))})"
    facts = {
        "run": safe(row.path.name),
        "state": state,
        "started": f"{row.started:%Y-%m-%d %H:%M:%S} UTC, {_age(row.started)} ago"
        if row.started
        else "",
        "steps": number(row.steps),
        "took": duration(row.seconds),
        "parameters": number(row.summary.get("parameters")),
    }
    return f"{style(safe(row.name), 'bold', sys.stdout)}\n{fact_lines(facts, sys.stdout)}"


def _learning_curve(records: Sequence[Mapping[str, Any]]) -> str:
    """Training and validation loss over the steps, in characters."""
    from rnnexp.reports.curves import curve, draw

    curves = [curve(records, "train/loss"), curve(records, "val/loss")]
    width = min(width_of(sys.stdout) or 80, 80)
    return draw(curves, width, height=12 if width >= 40 else 6)


def _places(row: RunRow, saved: Sequence[int], plots: Sequence[str]) -> str:
    best = row.summary.get("best_step")
    marked = [f"{step} (best)" if step == best else str(step) for step in saved]
    facts = {
        "checkpoints": ", ".join(marked) or "none",
        "plots": ", ".join(f"plots/{safe(name)}" for name in plots) or "none",
        "folder": safe(str(row.path)),
    }
    return fact_lines(facts, sys.stdout)


def verify(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A folder, the beginning of a name, or `latest`.")
    ],
    replay: Annotated[
        bool,
        typer.Option(
            "--replay",
            help="Also train again from the last checkpoint but one to the last, and compare bits.",
        ),
    ] = False,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Check that a run is what it wrote: every hash, the log, the config; exit 13 where it is not.

    What has changed around it since (data, versions, threads) is named as drift: the run is whole,
    but to go on or to score it again would not give the same.

    Example:
      rnnexp runs verify latest
      rnnexp runs verify latest --replay
    """
    from rnnexp.reports.runs import find_run, runs_folder

    found = find_run(run, runs_folder(runs))

    from rnnexp.verifying import replay_run, verify_run

    result = verify_run(found)
    if replay:
        result["replay"] = replay_run(found)
    stream = sys.stderr if json else sys.stdout
    print_text(_verification(result), stream)
    failed = bool(result["damage"] or result.get("replay", {}).get("different"))
    if json:
        print_json(result | {"whole": not failed})
    if failed:
        raise typer.Exit(CheckFailedError.exit_code)


def _verification(result: Mapping[str, Any]) -> str:
    whole = ", ".join(f"{step:,}" for step in result["checkpoints"]) or "none"
    lines = [f"checkpoints whole: {whole}"]
    if not result["sealed"]:
        lines.append("not finished: its other files carry no hashes yet")
    lines += [f"damaged: {safe(each)}" for each in result["damage"]]
    lines += [f"drift: {safe(each)}" for each in result["drift"]]
    if "replay" in result:
        lines.append(_replayed(result["replay"]))
    if not result["damage"]:
        lines.append("the run is what it wrote")
    return "\n".join(lines)


def _replayed(replay: Mapping[str, Any]) -> str:
    stretch = f"trained again from step {replay['from']:,} to {replay['to']:,}"
    different = replay["different"]
    if not different:
        return f"{stretch}: all {replay['tensors']} tensors the same, bit for bit"
    names = ", ".join(map(safe, different[:5])) + (", ..." if len(different) > 5 else "")
    return f"{stretch}: {len(different)} of {replay['tensors']} tensors differ: {names}"
