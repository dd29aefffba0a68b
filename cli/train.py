"""`rnnexp resume RUN`: go on where a run stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .help import (
    DebugOption,
    JsonOption,
    OverridesArgument,
    RunsOption,
    SetOption,
    TensorBoardOption,
)

__all__ = ["resume", "train"]


# `rnnexp train CONFIG`: run one experiment.


def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="The experiment, a YAML file.")],
    overrides: OverridesArgument = None,
    set_: SetOption = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="First hold the network against the equations by hand."),
    ] = False,
    tensorboard: TensorBoardOption = False,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train the network of a config and score it beside naive baselines.

    Everything that happens is written to a new folder under runs/.

    Example:
      rnnexp train configs/quickstart.yaml training.epochs=5 model.cell=gru
    """
    from rnnexp.config.loading import load_config
    from rnnexp.reports.run_index import runs_folder

    loaded = load_config(config, [*(overrides or ()), *(set_ or ())])

    from rnnexp.running.runner import train as run_experiment

    from .progress import make_progress

    folder, progress = runs_folder(runs), make_progress(json)
    run_experiment(loaded, folder, progress, verify, tensorboard=tensorboard)


# `rnnexp resume RUN`: go on where a run stopped.


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
    from rnnexp.reports.run_index import find_run, runs_folder

    found = find_run(run, runs_folder(runs))

    from rnnexp.running.resuming import resume as resume_run

    from .progress import make_progress

    resume_run(
        found,
        make_progress(json),
        extend or (),
        allow_drift=allow_drift,
        fallback=not no_fallback,
        tensorboard=tensorboard,
    )
