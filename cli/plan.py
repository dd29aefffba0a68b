"""`rnnexp plan CONFIG`: what a training would cost, without training."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from .options import DebugOption, JsonOption, OverridesArgument, SetOption
from .render import print_json
from .shapes import shape_table
from .table import fact_lines
from .text import duration, number, print_text, safe

__all__ = ["plan"]


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
    from rnnexp.config.load import load_config

    loaded = load_config(config, [*(overrides or ()), *(set_ or ())])

    from rnnexp.planning import plan as make_plan

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
