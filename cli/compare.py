"""`rnnexp runs compare`: groups of runs side by side, seeds summed up."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from rnnexp.errors import CheckpointError, CommandError, Problem

from .options import DebugOption, JsonOption, RunsOption
from .render import print_json
from .text import print_text, safe, wrapped

if TYPE_CHECKING:
    from rnnexp.reports.comparison import Comparison

    from .compare_sheet import Sheet

__all__ = ["compare"]


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
    from rnnexp.reports.runs import each_run, runs_folder

    from .compare_sheet import make_sheet
    from .compare_table import notes

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
        from .compare_files import as_object

        print_json(as_object(sheet))


def _print_sheet(sheet: Sheet, csv: bool, markdown: bool) -> None:
    from .compare_files import as_csv, as_markdown
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
