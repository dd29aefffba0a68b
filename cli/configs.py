"""`rnnexp configs`: the gallery of ready experiments."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnexp.errors import CommandError, Position

from .help import DebugOption, JsonOption
from .render import print_json
from .tables import Column, table
from .terminal import duration, print_text, safe

if TYPE_CHECKING:
    from rnnexp.config.gallery import Entry

__all__ = ["cp", "ls"]


def ls(json: JsonOption = False, debug: DebugOption = False) -> None:
    """List the gallery: what each config shows, how long it takes, what it reaches.

    Example:
      rnnexp configs ls
    """
    from rnnexp.config.gallery import entries

    found = entries()
    if json:
        rows = [asdict(entry) | {"path": str(entry.path)} for entry in found]
        print_json({"configs": rows})
        return
    columns = [Column("name"), Column("takes", right=True, goes=1), Column("shows", wraps=True)]
    cells = [[safe(e.name), duration(e.seconds), safe(_shows(e))] for e in found]
    print_text(table(columns, cells, sys.stdout))
    print_text("rnnexp configs cp NAME copies one to start from")


def _shows(entry: Entry) -> str:
    return f"{entry.title} Expect {entry.expect}." if entry.expect else entry.title


def cp(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A config of the gallery.")],
    destination: Annotated[
        Path | None,
        typer.Argument(
            metavar="DEST", help="A new file, or a folder to put it in.", show_default=False
        ),
    ] = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Copy a config of the gallery to start from; nothing is overwritten.

    Example:
      rnnexp configs cp quickstart my-experiment.yaml
    """
    from rnnexp.config.gallery import find
    from rnnexp.storage import write_bytes

    entry = find(name)
    target = destination or Path()
    if target.is_dir():
        target /= entry.path.name
    if os.path.lexists(target):
        raise CommandError(
            "is there already; nothing is overwritten",
            code="CMD014",
            position=Position(str(target)),
            hint=f"name another file: rnnexp configs cp {name} DEST",
        )
    write_bytes(target, entry.path.read_bytes())
    if json:
        print_json({"name": entry.name, "path": str(target)})
    else:
        print_text(f"{safe(str(target))}: a copy of {entry.name}")
        print_text(f"{' '.join(entry.run.split()[:2])} {safe(str(target))}")
