"""`rnnexp runs report`: one HTML file that tells a run, several, or a sweep."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnexp.errors import CommandError

from .help import DebugOption, JsonOption, RunsOption
from .render import print_json
from .terminal import amount, print_text, safe

if TYPE_CHECKING:
    from rnnexp.reports.page.rendering import Report

__all__ = ["report"]

HEAD = 4096
"""bytes of a page in which its generator is named"""


def report(
    references: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN", help="Runs, or a sweep for all its trials.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where to write.  [default: report.html in the run or sweep, or here of several]",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            metavar="KEY=VALUE,...",
            help="Hold every group against this one, not the best; a run names its group too.",
        ),
    ] = None,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a report as one HTML file that needs nothing else: no network, no script.

    It tells what came of it beside the naive answers, settings, learning curves, scores with their
    spread over seeds, gradients, predictions or classes, environment, data, and how to repeat it.
    A chart is vector graphics with its numbers below; the page fits a phone and a dark screen.

    Example:
      rnnexp runs report latest
      rnnexp runs report 20261125-0801 20261125-0812 --out cells.html
    """
    from rnnexp import storage
    from rnnexp.reports.page.rendering import report_on
    from rnnexp.reports.run_index import runs_folder

    made = report_on(references, runs_folder(runs), baseline)
    place = made.place if out is None else out / made.place.name if out.is_dir() else out
    _refuse_another(place)
    storage.write_text(place, made.html)
    for name, sentences in made.damage.items():
        for sentence in sentences:
            print_text(f"warning: {safe(name)}: {safe(sentence)}", sys.stderr)
    size = amount(len(made.html.encode()))
    stream = sys.stderr if json else sys.stdout
    print_text(f"{_what(made)}: {safe(str(place))} ({size})", stream)
    if json:
        print_json(_as_object(made, place))


def _refuse_another(place: Path) -> None:
    """Raises CommandError where there is a file already that is no report."""
    from rnnexp.reports.page.rendering import GENERATOR

    if not place.exists():
        return
    if place.is_file():
        with place.open("rb") as file:
            if GENERATOR.encode() in file.read(HEAD):
                return
    raise CommandError(
        f"{place} is there already, and it is no report",
        code="CMD127",
        hint="name another file: --out FILE",
    )


def _what(made: Report) -> str:
    count = len(made.rows)
    if count == 1:
        return "report"
    settings = f" in {made.settings} settings" if made.settings > 1 else ""
    return f"report of {count:,} runs{settings}"


def _as_object(made: Report, place: Path) -> dict[str, object]:
    return {
        "report": str(place),
        "bytes": len(made.html.encode()),
        "runs": [str(row.path) for row in made.rows],
        "settings": made.settings,
        "damage": {name: list(sentences) for name, sentences in made.damage.items()},
    }
