"""`rnnexp data`: the registry of public data sets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnnexp.errors import CommandError

from .help import DebugOption, JsonOption
from .render import print_json
from .tables import Column, table
from .terminal import amount, print_text, safe

if TYPE_CHECKING:
    from rnnexp.registry.sets import RegistryFile, RegistrySet

__all__ = ["get", "ls"]


def ls(json: JsonOption = False, debug: DebugOption = False) -> None:
    """List the public data sets that have a name here, and which of them are in the cache.

    The cache is $RNNEXP_DATA, else $XDG_CACHE_HOME/rnnexp, else ~/.cache/rnnexp.

    Example:
      rnnexp data ls
    """
    from rnnexp.registry.cache import cache_folder
    from rnnexp.registry.sets import SETS

    folder = cache_folder()
    if json:
        print_json({"folder": str(folder), "sets": [_as_object(s, folder) for s in SETS]})
        return
    columns = [
        Column("name"),
        Column("size", right=True, goes=1),
        Column("in cache"),
        Column("licence", goes=3),
        Column("holds", wraps=True, goes=2),
    ]
    print_text(table(columns, [_row(s, folder) for s in SETS], sys.stdout))
    print_text(f"cache: {safe(str(folder))}")
    print_text("rnnexp data get NAME fetches one; in a config it is path: data:NAME")


def _row(found: RegistrySet, folder: Path) -> list[Any]:
    from rnnexp.registry.cache import presence

    looks = {"yes": "green", "partly": "yellow", "damaged": "red"}
    state = presence(found.files, folder)
    holds = f"{found.title}. For: {found.use}."
    cell = (state, looks[state]) if state in looks else state
    return [found.name, amount(found.bytes), cell, found.licence, holds]


def _as_object(found: RegistrySet, folder: Path) -> dict[str, Any]:
    from rnnexp.registry.cache import presence

    return {
        "name": found.name,
        "title": found.title,
        "use": found.use,
        "licence": found.licence,
        "bytes": found.bytes,
        "in_cache": presence(found.files, folder),
        "files": [
            {
                "path": file.path,
                "url": file.url,
                "bytes": file.bytes,
                "sha256": file.sha256,
                "in_cache": presence((file,), folder),
            }
            for file in found.files
        ],
    }


def get(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME", help="A set of rnnexp data ls, or the path of one file."),
    ],
    mirror: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="URL",
            help="A mirror: the address under which the files lie as in the cache.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Download public data sets into the cache, once, each held against its SHA-256.

    What is there already is checked and not fetched again. An interrupted download goes on where
    it stopped. Nothing else in rnnexp uses the network.

    Example:
      rnnexp data get tinyshakespeare
      rnnexp data get names multi30k --from https://mirror.example/rnnexp
    """
    from rnnexp.registry.cache import cache_folder
    from rnnexp.registry.download import fetch, is_address

    from .progress import make_download_progress

    wanted = [_known(name) for name in names]
    if mirror is not None and not is_address(mirror):
        raise CommandError(
            "is no address to download from",
            code="CMD016",
            key="--from",
            value=mirror,
            allowed="https://... or http://...",
        )
    folder, progress = cache_folder(), make_download_progress(json)
    results = []
    for found, files in wanted:
        fetched = []
        for file in files:
            progress.began(file.path, file.bytes)
            try:
                fetched.append(fetch(file, folder, progress.arrived, mirror))
            except KeyboardInterrupt:
                progress.interrupted()
                raise
            progress.ended(fetched[-1])
        progress.complete(found, fetched)
        results.append({"name": found.name, "files": [_fetched_object(f) for f in fetched]})
    if json:
        print_json({"folder": str(folder), "sets": results})


def _known(name: str) -> tuple[RegistrySet, tuple[RegistryFile, ...]]:
    from rnnexp.registry.cache import PREFIX, find, nearest_name
    from rnnexp.registry.sets import SETS

    plain = name.removeprefix(PREFIX)
    if known := find(plain):
        return known
    raise CommandError(
        "no such set in the data registry",
        code="CMD015",
        value=name,
        suggestion=nearest_name(plain),
        allowed=", ".join(found.name for found in SETS),
    )


def _fetched_object(fetched: Any) -> dict[str, Any]:
    return {
        "path": str(fetched.path),
        "bytes": fetched.bytes,
        "sha256": fetched.sha256,
        "published": fetched.file.sha256 is not None,
        "downloaded": fetched.downloaded,
    }
