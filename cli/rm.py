"""`rnnexp runs rm`: runs and sweeps that are no longer wanted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from rnnexp.errors import CommandError

from .options import DebugOption, JsonOption, RunsOption
from .render import print_json
from .text import print_text, safe

__all__ = ["rm"]


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
    from rnnexp.reports.runs import find_run, runs_folder
    from rnnexp.reports.sweeps import names_a_sweep

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
