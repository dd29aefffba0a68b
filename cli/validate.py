"""`rnnexp schema`: the JSON Schema of a config."""

from __future__ import annotations

import json as json_module
import sys
from dataclasses import replace
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from rnnexp.errors import Problem, RnnexpError

from .help import DebugOption, JsonOption, OverridesArgument, SetOption
from .render import print_json
from .results import shape_table
from .tables import fact_lines
from .terminal import duration, number, print_text, safe

__all__ = ["plan", "schema", "validate"]


# `rnnexp validate CONFIG...`: everything that is wrong with configs, without running them.


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
    from rnnexp.config.loading import load_config
    from rnnexp.sweeps.freezing import plan_sweep
    from rnnexp.sweeps.sweep_file import is_sweep_file, read_sweep

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


# `rnnexp plan CONFIG`: what a training would cost, without training.


def plan(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="The experiment, a YAML file.")],
    overrides: OverridesArgument = None,
    set_: SetOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show shapes, parameters, memory, steps and time of a config.

    Reads the data and times three updates; writes nothing.

    Example:
      rnnexp plan configs/quickstart.yaml model.hidden_sizes=[128,64]
    """
    from rnnexp.config.loading import load_config

    loaded = load_config(config, [*(overrides or ()), *(set_ or ())])

    from rnnexp.running.planning import plan as make_plan

    planned = make_plan(loaded)
    print_text(_text(planned, sys.stderr if json else sys.stdout), sys.stderr if json else None)
    if json:
        print_json(planned)


def _text(planned: dict[str, Any], stream: IO[str]) -> str:
    data = ", ".join(f"{safe(str(key))} {number(value)}" for key, value in planned["data"].items())
    memory = ", ".join(
        f"about {value / 2**20:,.1f} MiB with {name} BPTT"
        for name, value in planned["memory_bytes"].items()
    )
    facts = {
        "name": f"{safe(planned['name'])} ({planned['task']})",
        "data": data,
        "model": f"{number(planned['parameters'])} parameters",
        "depth": f"{planned['depth']} of {planned['time_steps']} time steps",
        "memory": memory,
        "steps": f"{planned['steps_per_epoch']:,} per epoch, {planned['steps']:,} in all",
        "time": f"{duration(planned['seconds_per_step'])} per step, "
        f"{duration(planned['seconds_per_epoch'])} per epoch, "
        f"about {duration(planned['seconds'])} in all, validation aside",
        "device": f"{planned['device']}, threads {planned['threads']}",
        "kernel": planned["path"],
    }
    return fact_lines(facts, stream) + "\n\n" + shape_table(planned["shape"], stream)


# `rnnexp schema`: the JSON Schema of a config.


def schema(
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Print the JSON Schema of a config, for completion and checks in an editor.

    With an editor's YAML plug-in, put this first in a config:
    # yaml-language-server: $schema=rnnexp.schema.json

    Example:
      rnnexp schema > rnnexp.schema.json
    """
    from rnnexp.config.reference import json_schema

    if json:
        print_json(json_schema())
    else:
        sys.stdout.write(json_module.dumps(json_schema(), indent=2) + "\n")
