"""`rnnexp reproduce RUN`: train it again and hold the two against each other."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .given import run_config
from .options import DebugOption, JsonOption, RunsOption
from .render import error_objects, print_json
from .reproduction import reproduction_text
from .text import print_text

__all__ = ["reproduce"]


def reproduce(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A folder, a unique prefix of its name, or latest.")
    ],
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance",
            min=0.0,
            max=1.0,
            metavar="X",
            help="Relative difference of a metric that is let pass.",
        ),
    ] = 0.0,
    allow_drift: Annotated[
        bool,
        typer.Option(
            "--allow-drift",
            help="Train although data or resolved.yaml are not what the run was trained with.",
        ),
    ] = False,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train a finished run again from what its folder recorded, and compare.

    A new run is made, with the same config, data, seed and threads; a limit in minutes ends it at
    the step at which it ended the run. Then metrics, log and weights are compared. Where they
    differ, what has changed in between is listed, the likeliest cause first. Ends in exit code 13
    where a metric is further off than --tolerance; data that have changed are refused.

    Example:
      rnnexp reproduce latest
      rnnexp reproduce latest --tolerance 1e-6
    """
    from rnnexp.reports.runs import runs_folder

    path, config = run_config(run, runs)
    folder = runs_folder(runs)

    from rnnexp.reproducing import failure
    from rnnexp.reproducing import reproduce as train_again

    from .progress import make_progress

    progress = make_progress(json, last=False)
    result = train_again(
        path, config, folder, progress, tolerance=tolerance, allow_drift=allow_drift
    )
    stream = sys.stderr if json else sys.stdout
    print_text("\n" + reproduction_text(result, stream), stream)
    error = failure(result)
    if json:
        print_json(result | ({"errors": error_objects(error)} if error else {}))
    if error is not None:
        raise typer.Exit(error.exit_code)
