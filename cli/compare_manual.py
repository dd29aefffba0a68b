"""`rnnexp compare-manual [CONFIG or RUN]`: the layers beside their hand-computed form."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from rnnexp.errors import CommandError

from .equations import comparison_text
from .options import DebugOption, JsonOption, OverridesArgument, RunsOption, SetOption
from .render import error_objects, print_errors, print_json
from .text import print_text

__all__ = ["compare_manual"]


def compare_manual(
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="CONFIG_OR_RUN",
            help="A YAML file, at its initial weights, or a run, at its best; or nothing.",
            show_default=False,
        ),
    ] = None,
    overrides: OverridesArgument = None,
    set_: SetOption = None,
    steps: Annotated[
        bool, typer.Option("--steps", help="Show every time step of the first sequence.")
    ] = False,
    layer: Annotated[
        int | None,
        typer.Option("--layer", min=1, metavar="N", help="The layer of --steps.  [default: 1]"),
    ] = None,
    show_gates: Annotated[
        bool, typer.Option("--show-gates", help="With --steps: the gates of every step too.")
    ] = False,
    sequences: Annotated[
        int,
        typer.Option("--sequences", min=1, max=64, metavar="N", help="Sequences to compare."),
    ] = 3,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Hold a network against the textbook's equations, forward and backward.

    Without an argument: the lecture's own example, value for value. With a config or a run: every
    activation, the loss and every gradient of that network, by its layers and by hand, on a few
    sequences of the validation part, for every path that the layers can take. The gradient by hand
    is the double sum of backpropagation through time, and is held against finite differences too.
    Ends in exit code 13 where they differ.

    Example:
      rnnexp compare-manual
      rnnexp compare-manual configs/quickstart.yaml model.cell=gru --steps
      rnnexp compare-manual latest --json
    """
    for option, given in (("--layer", layer), ("--show-gates", show_gates)):
        if given and not (steps or subject is None):
            raise CommandError(f"{option} has no effect without --steps", code="CMD105", key=option)
    if subject is not None and ("=" in subject or subject.startswith("~")):
        raise CommandError(
            "an override needs a CONFIG to change", code="CMD103", key="CONFIG_OR_RUN",
            value=subject, hint="rnnexp compare-manual CONFIG " + subject,
        )  # fmt: skip
    if subject is None:
        from rnnexp.verification.document import compare_lecture

        result = {"subject": "lecture"} | compare_lecture(show_gates)
    else:
        steps_of = (layer or 1) if steps else None
        changed = [*(overrides or ()), *(set_ or ())]
        result = _compare(subject, changed, runs, sequences, steps_of, show_gates)
    stream = sys.stderr if json else sys.stdout
    print_text(comparison_text(result, stream), stream)
    _conclude(result, json)


def _compare(
    subject: str,
    overrides: list[str],
    runs: Path | None,
    sequences: int,
    steps_of: int | None,
    gates: bool,
) -> dict[str, Any]:
    from rnnexp.recording.run_folder import RunFolder
    from rnnexp.verification.document import compare_experiment
    from rnnexp.verification.plain import plain_network

    from .subject import load_subject

    found = load_subject(subject, overrides, runs)
    layers = len(plain_network(found.experiment).stack.layers)
    if steps_of is not None and steps_of > layers:
        raise CommandError(
            "no such recurrent layer", code="CMD106", key="--layer", value=steps_of,
            allowed=f"1 to {layers}",
        )  # fmt: skip
    named = {"subject": found.name, "weights": found.weights}
    result = named | compare_experiment(found.experiment, sequences, steps_of, gates)
    if found.run is not None:
        RunFolder.open(found.run).write_json("compare_manual.json", result)
    return result


def _conclude(result: dict[str, Any], json: bool) -> None:
    """The object for machines, and exit code 13 where something is off."""
    from rnnexp.verification.verdict import failure

    error = failure(result)
    if error is not None:
        print_errors(error, as_json=False)
        result = result | {"errors": error_objects(error)}
    if json:
        print_json(result)
    if error is not None:
        raise typer.Exit(error.exit_code)
