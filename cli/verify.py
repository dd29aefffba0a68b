"""`rnnexp runs verify`: whether a run is still what it wrote."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from rnnexp.errors import CheckFailedError

from .options import DebugOption, JsonOption, RunsOption
from .render import print_json
from .text import print_text, safe

__all__ = ["verify"]


def verify(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A folder, the beginning of a name, or `latest`.")
    ],
    replay: Annotated[
        bool,
        typer.Option(
            "--replay",
            help="Also train again from the last checkpoint but one to the last, and compare bits.",
        ),
    ] = False,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Check that a run is what it wrote: every hash, the log, the config; exit 13 where it is not.

    What has changed around it since (data, versions, threads) is named as drift: the run is whole,
    but to go on or to score it again would not give the same.

    Example:
      rnnexp runs verify latest
      rnnexp runs verify latest --replay
    """
    from rnnexp.reports.runs import find_run, runs_folder

    found = find_run(run, runs_folder(runs))

    from rnnexp.verifying import replay_run, verify_run

    result = verify_run(found)
    if replay:
        result["replay"] = replay_run(found)
    stream = sys.stderr if json else sys.stdout
    print_text(_verification(result), stream)
    failed = bool(result["damage"] or result.get("replay", {}).get("different"))
    if json:
        print_json(result | {"whole": not failed})
    if failed:
        raise typer.Exit(CheckFailedError.exit_code)


def _verification(result: Mapping[str, Any]) -> str:
    whole = ", ".join(f"{step:,}" for step in result["checkpoints"]) or "none"
    lines = [f"checkpoints whole: {whole}"]
    if not result["sealed"]:
        lines.append("not finished: its other files carry no hashes yet")
    lines += [f"damaged: {safe(each)}" for each in result["damage"]]
    lines += [f"drift: {safe(each)}" for each in result["drift"]]
    if "replay" in result:
        lines.append(_replayed(result["replay"]))
    if not result["damage"]:
        lines.append("the run is what it wrote")
    return "\n".join(lines)


def _replayed(replay: Mapping[str, Any]) -> str:
    stretch = f"trained again from step {replay['from']:,} to {replay['to']:,}"
    different = replay["different"]
    if not different:
        return f"{stretch}: all {replay['tensors']} tensors the same, bit for bit"
    names = ", ".join(map(safe, different[:5])) + (", ..." if len(different) > 5 else "")
    return f"{stretch}: {len(different)} of {replay['tensors']} tensors differ: {names}"
