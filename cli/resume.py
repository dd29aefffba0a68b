"""`rnnexp resume RUN`: go on where a run stopped."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import DebugOption, JsonOption, RunsOption, TensorBoardOption

__all__ = ["resume"]


def resume(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A folder, a unique prefix of its name, or latest.")
    ],
    extend: Annotated[
        list[str] | None,
        typer.Option(
            "--extend",
            metavar="a.b=c",
            help="Train longer: training.epochs, max_steps, max_minutes or early_stopping.patience;"
            " repeatable.",
        ),
    ] = None,
    allow_drift: Annotated[
        bool,
        typer.Option(
            "--allow-drift",
            help="Go on although config, data, versions, device or threads are not as they were.",
        ),
    ] = False,
    no_fallback: Annotated[
        bool,
        typer.Option("--no-fallback", help="Refuse where the newest checkpoint is damaged."),
    ] = False,
    tensorboard: TensorBoardOption = False,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Go on with a run that was stopped, as if it never had been.

    From its newest whole checkpoint, in the middle of an epoch where that is: the same weights, log
    lines and test score, bit for bit, as a run that nothing stopped. A finished run is left as it
    is, unless --extend makes it longer.

    Example:
      rnnexp resume latest
      rnnexp resume latest --extend training.epochs=40
    """
    from rnnexp.reports.runs import find_run, runs_folder

    found = find_run(run, runs_folder(runs))

    from rnnexp.resuming import resume as resume_run

    from .progress import make_progress

    resume_run(
        found,
        make_progress(json),
        extend or (),
        allow_drift=allow_drift,
        fallback=not no_fallback,
        tensorboard=tensorboard,
    )
