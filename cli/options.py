"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "DebugOption",
    "JsonOption",
    "OverridesArgument",
    "RunsOption",
    "SetOption",
    "TensorBoardOption",
]

JsonOption = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print one machine-readable object last on stdout; text for people goes to stderr.",
    ),
]

RunsOption = Annotated[
    Path | None,
    typer.Option(
        "--runs",
        metavar="DIR",
        help="Folder that holds the runs.  [default: $RNNEXP_RUNS, or ./runs]",
        show_default=False,
    ),
]

DebugOption = Annotated[
    bool,
    typer.Option("--debug", help="Show the traceback of an error."),
]

TensorBoardOption = Annotated[
    bool,
    typer.Option("--tensorboard", help="Leave events for TensorBoard beside the run, too."),
]

OverridesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[a.b=c ...]",
        help="Change a key (a.b=c) or remove it ('~a.b').",
        show_default=False,
    ),
]

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="a.b=c", help="The same as the positional form; repeatable."),
]
