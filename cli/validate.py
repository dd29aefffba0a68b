"""`rnnexp validate CONFIG...`: everything that is wrong with configs, without running them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from rnnexp.errors import Problem, RnnexpError

from .options import DebugOption, JsonOption
from .render import print_json
from .text import print_text, safe

__all__ = ["validate"]


def validate(
    configs: Annotated[
        list[Path], typer.Argument(metavar="CONFIG", help="Experiments, YAML files.")
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="a.b=c", help="Change a key of every config; repeatable."),
    ] = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Check configs and show all errors at once, each with its line and a way out.

    No data is read and no device is looked for; `rnnexp plan` does both. Of a sweep every point is
    checked.

    Example:
      rnnexp validate configs/quickstart.yaml
      rnnexp validate experiments/*.yaml --set training.epochs=5
    """
    failed: list[RnnexpError] = []
    valid: list[str] = []
    for config in configs:
        error = _error_of(config, set_ or [])
        if error is not None:
            failed.append(error)
            continue
        valid.append(str(config))
        if not json:
            print_text(f"{safe(str(config))}: ok")
    if failed:
        raise _together(failed)
    if json:
        print_json({"valid": valid})


def _error_of(config: Path, overrides: list[str]) -> RnnexpError | None:
    from rnnexp.config.load import load_config
    from rnnexp.sweeps.freezing import plan_sweep
    from rnnexp.sweeps.reading import is_sweep_file, read_sweep

    try:
        if is_sweep_file(config):
            plan_sweep(read_sweep(config, overrides), config.parent)
        else:
            load_config(config, overrides)
    except RnnexpError as error:
        return error
    return None


def _together(failed: list[RnnexpError]) -> RnnexpError:
    """The problems of every file as one error, each once; the largest exit code stands for all."""
    problems: list[Problem] = []
    for error in failed:
        for problem in error.problems:
            own = replace(problem, exit=problem.exit or error.exit_code)
            if own not in problems:
                problems.append(own)
    return type(max(failed, key=lambda error: error.exit))(problems)
