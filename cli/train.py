"""`rnnexp train CONFIG`: run one experiment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import (
    DebugOption,
    JsonOption,
    OverridesArgument,
    RunsOption,
    SetOption,
    TensorBoardOption,
)

__all__ = ["train"]


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
    from rnnexp.config.load import load_config
    from rnnexp.reports.runs import runs_folder

    loaded = load_config(config, [*(overrides or ()), *(set_ or ())])

    from rnnexp.runner import train as run_experiment

    from .progress import make_progress

    folder, progress = runs_folder(runs), make_progress(json)
    run_experiment(loaded, folder, progress, verify, tensorboard=tensorboard)
