"""A comparison for other programs: CSV, Markdown, and one object for `--json`."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from rnnexp.errors import CheckpointError, CommandError, Problem

from .compare_table import Sheet, interval, setting_text, spread, verdict
from .help import DebugOption, JsonOption, RunsOption
from .render import print_json
from .terminal import number, print_text, safe, wrapped

if TYPE_CHECKING:
    from rnnexp.reports.comparison import Comparison, Group
    from rnnexp.reports.run_index import RunRow

__all__ = ["as_object", "compare"]


# `rnnexp runs compare`: groups of runs side by side, seeds summed up.


def compare(
    references: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN",
            help="Runs, or sweeps for all their trials; without one, all runs there are.",
            show_default=False,
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", metavar="KEY=VALUE", help="Only runs with this setting; repeatable."
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            metavar="KEY=VALUE,...",
            help="Hold every group against this one, seed by seed; a run names its group too.",
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME", help="Show this metric instead; repeatable."),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option("--sort", metavar="COLUMN", help="Sort by a setting, a metric or n."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns", metavar="A,B,...", help="Show these settings and metrics, and n."
        ),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, numbers in full.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail where a run is damaged, with exit 5.")
    ] = False,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Compare runs: what differs between them, mean and spread over seeds, the best first.

    Runs that differ in nothing but seed and name are one group. Its row has the validation metric
    that the runs watched and the same metric on test: mean, standard deviation, and the 95 %
    t-interval of the mean. Validation alone ranks.

    With --baseline each group's difference to that group is taken seed by seed, with its interval:
    where that holds 0, the two are not distinguishable with as many seeds.

    Example:
      rnnexp runs compare
      rnnexp runs compare --where data.source=sunspots --baseline model.cell=rnn
      rnnexp runs compare 20261125 latest --metric rmse --markdown
    """
    from rnnexp.reports import selection
    from rnnexp.reports.comparison import compare as compare_rows
    from rnnexp.reports.comparison import complete
    from rnnexp.reports.run_index import each_run, runs_folder

    from .compare_table import make_sheet, notes

    _check_one_form(csv, markdown, json)
    folder = runs_folder(runs)
    rows = [complete(row) for row in each_run(selection.chosen_paths(references or [], folder))]
    comparison = compare_rows(selection.where(rows, where or []))
    _tell_damage(comparison, strict)
    if not comparison.groups:
        baseline = sort = columns = None  # where nothing is, no name is wrong
        metric = []
    against = selection.baseline_group(baseline, comparison, folder) if baseline else None
    metrics = selection.metrics_named(metric or [], comparison.rows())
    sheet = make_sheet(comparison, metrics, columns, sort, against)
    aside = sys.stderr if csv or markdown or json else sys.stdout
    if not comparison.groups:
        print_text(_nothing(comparison, folder), aside)
    if not json:
        _print_sheet(sheet, csv, markdown)
    _tell_notes([*notes(sheet), *selection.sweep_notes(references or [], folder)], aside)
    if json:
        print_json(as_object(sheet))


def _print_sheet(sheet: Sheet, csv: bool, markdown: bool) -> None:
    from .compare_table import comparison_text

    if not sheet.groups:
        return
    if csv:
        print_text(as_csv(sheet).rstrip("\n"))
    elif markdown:
        print_text(as_markdown(sheet))
    else:
        print_text(comparison_text(sheet, sys.stdout))


def _check_one_form(csv: bool, markdown: bool, json: bool) -> None:
    if csv + markdown + json > 1:
        raise CommandError(
            "one form of output at a time",
            code="CMD125",
            allowed="--csv, --markdown or --json",
        )


def _tell_damage(comparison: Comparison, strict: bool) -> None:
    """A warning for each damaged run. Raises CheckpointError with all of them if `strict`."""
    if strict and comparison.damaged:
        raise CheckpointError(
            Problem(code="CKP131", message=f"{row.path}: {row.warning}")
            for row in comparison.damaged
        )
    for row in comparison.damaged:
        print_text(f"warning: {safe(row.path.name)}: {safe(row.warning or '')}", sys.stderr)


def _nothing(comparison: Comparison, folder: Path) -> str:
    if comparison.unfinished or comparison.damaged:
        return "no finished runs to compare"
    return f"no runs in {safe(str(folder))} yet; rnnexp train CONFIG makes one"


def _tell_notes(found: list[str], stream: IO[str]) -> None:
    for note in found:
        print_text(wrapped(f"note: {note}", stream), stream)


# A comparison for other programs: CSV, Markdown, and one object for `--json`.

FORMULA_SIGNS = "=+-@\t\r"
APART = {
    "difference": "mean",
    "difference low": "low",
    "difference high": "high",
    "pairs": "n",
    "distinguishable": "distinguishable",
}
PARTS = ("mean", "sd", "low", "high")


def as_csv(sheet: Sheet) -> str:
    """A line a group, numbers in full. A text that a spreadsheet would take for a formula gets a
    `'` before it.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    heading = []
    for name in sheet.columns:
        heading += [f"{name} {part}" for part in PARTS] if name in sheet.metrics else [name]
        if name in sheet.metrics and sheet.baseline is not None:
            heading += [f"{name} {part}" for part in APART]
    writer.writerow(map(_csv_cell, heading))
    for group in sheet.groups:
        writer.writerow(map(_csv_cell, _values(sheet, group)))
    return stream.getvalue()


def _values(sheet: Sheet, group: Group) -> list[Any]:
    values: list[Any] = []
    for name in sheet.columns:
        if name == "n":
            values.append(len(group.rows))
        elif name not in sheet.metrics:
            values.append(sheet.setting(group, name))
        else:
            found = group.estimate(name)
            values += [getattr(found, part, None) for part in PARTS]
            if sheet.baseline is not None:
                apart = sheet.difference(group, name)
                values += [getattr(apart, part, None) for part in APART.values()]
    return values


def _csv_cell(value: Any) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = setting_text(value, None)
    return f"'{text}" if text.startswith(tuple(FORMULA_SIGNS)) else text


def as_markdown(sheet: Sheet) -> str:
    """The table as people write it into a README; the settings' names in full."""
    heading, sides = [], []
    for name in sheet.columns:
        heading += [name, f"95 % {name}"] if name in sheet.metrics else [name]
        sides += ["--:", "--:"] if name in sheet.metrics else ["--:" if name == "n" else ":--"]
        if name in sheet.metrics and sheet.baseline is not None:
            heading.append("against the baseline")
            sides.append(":--")
    rows = [heading, *(_texts(sheet, group) for group in sheet.groups)]
    lines = [f"| {' | '.join(map(_plain, row))} |" for row in rows]
    return "\n".join([lines[0], f"| {' | '.join(sides)} |", *lines[1:]])


def _texts(sheet: Sheet, group: Group) -> list[str]:
    texts = []
    for name in sheet.columns:
        if name == "n":
            texts.append(str(len(group.rows)))
        elif name not in sheet.metrics:
            texts.append(setting_text(sheet.setting(group, name), None))
        else:
            found = group.estimate(name)
            texts += [spread(found), interval(found.low, found.high) if found else ""]
            if sheet.baseline is not None:
                texts.append(_against(sheet, group, name))
    return texts


def _against(sheet: Sheet, group: Group, metric: str) -> str:
    if group is sheet.baseline:
        return "baseline"
    found = sheet.difference(group, metric)
    words = verdict(found, sheet.larger(metric))
    return f"{number(found.mean)} {interval(found.low, found.high)} {words}" if found else words


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    for sign in "\\|<`*_[":
        text = text.replace(sign, f"\\{sign}")
    return safe(text)


def as_object(sheet: Sheet) -> dict[str, Any]:
    """Everything, for `--json`."""
    comparison = sheet.comparison
    return {
        "monitor": comparison.monitor,
        "mode": "max" if comparison.larger else "min",
        "monitors": dict(comparison.monitors),
        "keys": list(comparison.keys),
        "metrics": sheet.shown_metrics,
        "groups": [_group(sheet, group) for group in sheet.groups],
        "unfinished": [_run(row) for row in comparison.unfinished],
        "damaged": [_run(row) | {"warning": row.warning} for row in comparison.damaged],
    }


def _run(row: RunRow) -> dict[str, Any]:
    return {"run": str(row.path), "state": row.state}


def _group(sheet: Sheet, group: Group) -> dict[str, Any]:
    return {
        "settings": {key: sheet.setting(group, key) for key in sheet.keys}
        | dict(group.settings_that_differ),
        "n": len(group.rows),
        "seeds": [row.seed for row in group.rows],
        "runs": [str(row.path) for row in group.rows],
        "superseded": [str(row.path) for row in group.superseded],
        "metrics": {name: _metric(sheet, group, name) for name in sheet.shown_metrics},
        "baseline": group is sheet.baseline,
    }


def _metric(sheet: Sheet, group: Group, metric: str) -> dict[str, Any] | None:
    from dataclasses import asdict

    found = group.estimate(metric)
    if found is None:
        return None
    apart = sheet.difference(group, metric)
    values = {str(seed): value for seed, value in group.values(metric).items()}
    return {**asdict(found), "values": values, "difference": asdict(apart) if apart else None}
