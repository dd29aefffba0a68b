"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["DebugOption", "JsonOption", "RunsOption"]

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
