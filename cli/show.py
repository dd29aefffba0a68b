"""`rnnexp runs show`: one run, or one sweep, in detail."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .compare_table import setting_text
from .help import DebugOption, JsonOption, RunsOption
from .render import print_json
from .results import details_text, score_table
from .runs import STATE_STYLES, age, run_object, sweep_object, sweep_state
from .tables import fact_lines
from .terminal import duration, number, print_text, safe, style, width_of, wrapped

if TYPE_CHECKING:
    from rnnexp.reports.gradient_norms import GradientNorms
    from rnnexp.reports.run_index import RunRow, SweepRow

__all__ = ["show"]


# What `runs show` says of a run in one line each: its settings, its gradients, its machine.


def settings_text(row: RunRow) -> dict[str, str]:
    """Seed and settings that are not the defaults, as facts; none where they cannot be read."""
    from rnnexp.errors import RnnexpError
    from rnnexp.reports.settings_compared import chosen_settings

    try:
        chosen = chosen_settings(row.path)
    except RnnexpError as error:
        return {"seed": number(row.seed), "settings": f"not readable: {safe(str(error))}"}
    parts = [f"{safe(key)}={setting_text(v)}".replace(", ", ",") for key, v in chosen.items()]
    seed = chosen.get("seed", row.seed or 0)
    told = " ".join(part for part in parts if not part.startswith(("name=", "seed=")))
    return {"seed": number(seed), "settings": told}


def gradient_text(norms: GradientNorms | None) -> str:
    """`norm median 0.54, largest 3.6; clipped at 1 in 34 % of the steps`."""
    if norms is None:
        return ""
    text = f"norm median {number(norms.median)}, largest {number(norms.largest)}; "
    if norms.clipped is None:
        return text + "not clipped"
    where = f" at {number(norms.threshold)}" if norms.threshold is not None else ""
    return f"{text}clipped{where} in {100 * norms.clipped:.0f} % of the steps"


def environment_text(record: Mapping[str, Any]) -> str:
    """`torch 2.13.0, 1 thread, Intel Xeon, AVX512`, from env.json."""
    versions = record.get("versions")
    torch = versions.get("torch") if isinstance(versions, Mapping) else None
    threads, device = record.get("threads"), record.get("device")
    parts = [
        f"torch {torch}" if torch else "",
        f"{threads} thread{'' if threads == 1 else 's'}" if isinstance(threads, int) else "",
        str(device) if device and device != "cpu" else "",
        str(record.get("cpu") or ""),
        str(record.get("cpu_capability") or ""),
    ]
    return safe(", ".join(part for part in parts if part))


# `rnnexp runs show`: one run, or one sweep, in detail.

STOPPED = ("interrupted", "dead", "failed")


def show(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="A folder, the beginning of a name, `latest`, SWEEP/TRIAL, or a sweep.",
        ),
    ],
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show one run: settings, metrics beside the baselines, gradients, learning curve, checkpoints.

    Settings are those that are not the defaults. Of a sweep, its trials are compared.

    Example:
      rnnexp runs show latest
    """
    from rnnexp.reports.run_index import find_run, names_a_sweep, runs_folder

    folder = runs_folder(runs)
    sweep = names_a_sweep(run, folder)
    if sweep is not None:
        _show_sweep(sweep, json)
    else:
        _show_run(find_run(run, folder), json)


def _show_run(path: Path, json: bool) -> None:
    from rnnexp.reading import read_json, read_records
    from rnnexp.recording.checkpoints import steps
    from rnnexp.reports.gradient_norms import gradient_norms
    from rnnexp.reports.run_index import read_run, read_summary

    row, summary = read_run(path), read_summary(path)
    saved = steps(path / "checkpoints")
    classes = read_json(path / "classes.json") or {}
    plots = sorted(plot.name for plot in (path / "plots").glob("*.png"))
    records = list(read_records(path / "metrics.jsonl"))
    norms = gradient_norms(records)
    environment = read_json(path / "env.json") or {}
    if json:
        print_json(
            run_object(row)
            | {"checkpoints": saved, "best_step": summary.get("best_step"), "plots": plots}
            | {"classes": classes.get("classes", []), "settings": row.settings}
            | {"gradient": _gradient_object(norms), "environment": environment}
            | {"again": _again(row)}
        )
        return
    print_text(_heading(row, summary))
    if row.metrics:
        print_text("\n" + score_table(row.metrics, row.baselines, sys.stdout))
    if details := details_text({**summary, **classes}, sys.stdout):
        print_text("\n" + details)
    if curves := _learning_curve(records):
        print_text("\n" + curves)
    facts = {
        "gradient": gradient_text(norms),
        **_places(row, summary, saved, plots),
        "trained on": environment_text(environment),
        "again": safe(_again(row)),
    }
    print_text("\n" + fact_lines(facts, sys.stdout))
    if row.warning:
        print_text(f"warning: {safe(row.warning)}", sys.stderr)
    if row.state in STOPPED and saved:
        print_text(f"rnnexp resume {safe(row.path.name)} goes on where it stopped")


def _gradient_object(norms: Any) -> dict[str, Any] | None:
    from dataclasses import asdict

    return asdict(norms) if norms else None


def _again(row: RunRow) -> str:
    """The command that trains the same anew."""
    return f"rnnexp reproduce {row.path}"


def _heading(row: RunRow, summary: Mapping[str, Any]) -> str:
    state = style(safe(row.state), STATE_STYLES.get(row.state, "dim"), sys.stdout)
    if summary.get("stopped_by"):
        state += f" (stopped by {safe(str(summary['stopped_by']))})"
    facts = {
        "run": safe(row.path.name),
        "state": state,
        "started": f"{row.started:%Y-%m-%d %H:%M:%S} UTC, {age(row.started)} ago"
        if row.started
        else "",
        "steps": number(row.steps),
        "took": duration(row.seconds),
        "parameters": number(summary.get("parameters")),
        **settings_text(row),
    }
    return f"{style(safe(row.name), 'bold', sys.stdout)}\n{fact_lines(facts, sys.stdout)}"


def _learning_curve(records: Sequence[Mapping[str, Any]]) -> str:
    """Training and validation loss over the steps, in characters."""
    from rnnexp.reports.curves import curve, draw

    curves = [curve(records, "train/loss"), curve(records, "val/loss")]
    width = min(width_of(sys.stdout) or 80, 80)
    return draw(curves, width, height=12 if width >= 40 else 6)


def _places(
    row: RunRow, summary: Mapping[str, Any], saved: Sequence[int], plots: Sequence[str]
) -> dict[str, str]:
    best = summary.get("best_step")
    marked = [f"{step} (best)" if step == best else str(step) for step in saved]
    return {
        "checkpoints": ", ".join(marked) or "none",
        "plots": ", ".join(f"plots/{safe(name)}" for name in plots) or "none",
        "folder": safe(str(row.path)),
    }


def _show_sweep(path: Path, json: bool) -> None:
    from rnnexp.reports.comparison import compare
    from rnnexp.reports.run_index import each_run, read_sweep, trial_paths

    from .compare import as_object
    from .compare_table import comparison_text, make_sheet, notes

    sweep, comparison = read_sweep(path), compare(each_run(trial_paths(path)))
    sheet = make_sheet(comparison, (), None, None, None)
    warnings = [(row.path.name, row.warning) for row in comparison.damaged]
    for name, warning in [(sweep.path.name, sweep.warning), *warnings]:
        if warning:
            print_text(f"warning: {safe(name)}: {safe(warning)}", sys.stderr)
    if json:
        print_json(sweep_object(sweep) | as_object(sheet))
        return
    print_text(_sweep_heading(sweep))
    if comparison.groups:
        print_text("\n" + comparison_text(sheet, sys.stdout))
    for note in notes(sheet):
        print_text(wrapped(f"note: {note}", sys.stdout))


def _sweep_heading(row: SweepRow) -> str:
    told, look = sweep_state(row)
    counts = [f"{count} {safe(state)}" for state, count in row.trials.items()]
    facts = {
        "sweep": safe(row.path.name),
        "state": style(told, look, sys.stdout),
        "trials": ", ".join(counts) or "none yet",
        "started": f"{row.started:%Y-%m-%d %H:%M:%S} UTC, {age(row.started)} ago"
        if row.started
        else "",
        "method": safe(row.method or ""),
        "over": safe(", ".join(row.axes)),
        "note": safe(row.note or ""),
        "best": safe(str(row.best.path)) if row.best else "",
    }
    return f"{style(safe(row.name), 'bold', sys.stdout)}\n{fact_lines(facts, sys.stdout)}"
