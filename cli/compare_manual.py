"""`rnnexp compare-manual [CONFIG or RUN]`: the layers beside their hand-computed form."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from rnnexp.errors import CommandError

from .help import DebugOption, JsonOption, OverridesArgument, RunsOption, SetOption
from .render import error_objects, print_errors, print_json
from .tables import Cell, Column, fact_lines, table
from .terminal import number, print_text, safe, style, width_of

__all__ = ["compare_manual", "lag_table"]


# A comparison with the equations, for people: time steps, differences, lags, the verdict.

Json = Mapping[str, Any]

LAGS = (0, 1, 2, 3, 5, 10, 20, 50, 100, 200)
SYMBOLS = {
    "weight_ih_l0": "W_xh",
    "weight_hh_l0": "W_hh",
    "bias_ih_l0": "b_xh",
    "bias_hh_l0": "b_hh",
}
NAMES = {
    "x": "x_t",
    "z_x": "W_xh x_t + b_xh",
    "z_h": "W_hh h_t-1 + b_hh",
    "by_hand": "by hand",
    "layer": "by the layer",
}


def comparison_text(result: Json, stream: IO[str]) -> str:
    """Every part that the comparison has, one after the other."""
    parts = [
        _heading(result, stream),
        _steps(result, stream) if "steps" in result else "",
        _rows(result["comparisons"][:2], stream),
        *(_rows(pair, stream) for pair in _other_paths(result) if _failed(pair)),
        lag_table(result["contributions"], stream),
        _summary(result, stream),
    ]
    return "\n\n".join(part for part in parts if part)


def _heading(result: Json, stream: IO[str]) -> str:
    if "printed" in result:
        shapes = ", ".join(
            f"{SYMBOLS.get(name.rpartition('.')[2], name)} {tuple(shape)}"
            for name, shape in result["shapes"].items()
        )
        facts = {
            "lecture": "nn.RNN(5, 2), seed 1, inputs of ones, twos and threes",
            "shapes": shapes,
            "loss": "mean of h_t squared, so that there is a gradient",
        }
        return fact_lines(facts, stream)
    shown, of = result["time_steps"], result["of_time_steps"]
    steps = f"{shown} time steps" if shown >= of else f"the first {shown} of {of} time steps"
    facts = {
        "network": safe(result["subject"]),
        "weights": result["weights"],
        "compared": f"{result['sequences']} validation sequences, {steps}, no dropout",
        "not compared": _left_out(result["not_compared"]),
        "because": "later steps are noise: this network amplifies every rounding error"
        if result["amplifies"]
        else "",
    }
    return fact_lines(facts, stream)


def _left_out(names: Sequence[str]) -> str:
    if not names:
        return ""
    return (
        f"{len(names)} tensors that read words or images; what they make of them is taken as given"
    )


def _steps(result: Json, stream: IO[str]) -> str:
    title = f"layer {result['layer']}, first sequence, float32"
    blocks = [style(title, "bold", stream)]
    for step in result["steps"]:
        facts = {
            NAMES.get(name, name): _vector(value, stream)
            for name, value in step.items()
            if name != "t"
        }
        block = fact_lines(facts, stream)
        blocks.append(f"t = {step['t']}\n" + "\n".join(f"  {x}" for x in block.splitlines()))
    return "\n".join(blocks)


def _vector(values: Sequence[float], stream: IO[str]) -> str:
    """As many numbers as fit into a line, in the digits that tell one float32 from the next."""
    from numpy import float32

    room = max(1, ((width_of(stream) or 80) - 24) // 14)
    shown = "  ".join(f"{float32(value)!s:<12}" for value in values[:room]).rstrip()
    return shown if len(values) <= room else f"{shown} ... ({len(values)})"


def _other_paths(result: Json) -> Iterator[Sequence[Json]]:
    found = result["comparisons"]
    return (found[i : i + 2] for i in range(2, len(found), 2))


def _failed(pair: Sequence[Json]) -> bool:
    return any(not row["passed"] for comparison in pair for row in comparison["rows"])


def _rows(pair: Sequence[Json], stream: IO[str]) -> str:
    """A row a tensor: the largest difference, absolute and relative, in both precisions."""
    double, single = pair
    columns = [
        Column("tensor"),
        Column("gate", goes=1),
        Column("largest", right=True, goes=2),
        Column("relative", right=True),
        Column("in float32", right=True),
        Column("first at step", right=True),
    ]
    rows = [_row(wide, narrow) for wide, narrow in zip(double["rows"], single["rows"], strict=True)]
    path = style(
        f"largest difference to the equations by hand, path {double['path']}", "bold", stream
    )
    return path + "\n" + table(columns, rows, stream)


def _row(double: Json, single: Json) -> list[Cell]:
    gradient = double["kind"] == "gradient"
    place, _, symbol = double["tensor"].rpartition(" ")
    name = f"{place} dL/d{symbol}".strip() if gradient else double["tensor"]
    step = double["step"] or single["step"]
    return [
        safe(name),
        double["gate"] or "",
        f"{double['absolute']:.1e}",
        _relative(double),
        _relative(single),
        "" if step is None else str(step),
    ]


def _relative(row: Json) -> Cell:
    text = f"{row['relative']:.1e}".replace("inf", "overflow")
    if not row["passed"]:
        return (f"{text} !", "red")
    return f"{text} ~" if row["relative"] > 1e-5 else text


def lag_table(contributions: Mapping[str, Sequence[Json]], stream: IO[str]) -> str:
    """Shares of each recurrent matrix's gradient by how far back they come from."""
    longest = max(len(found) for found in contributions.values())
    chosen = [lag for lag in LAGS if lag < longest]
    edges = [*chosen[1:], longest]
    columns = [Column("share of lag t-k")]
    columns += [
        Column(str(low) if high == low + 1 else f"{low}-{high - 1}", right=True)
        for low, high in zip(chosen, edges, strict=True)
    ]
    rows: list[list[Cell]] = []
    for label, found in contributions.items():
        place, _, symbol = label.rpartition(" ")
        shares = [
            sum(each["share"] for each in found[low:high])
            for low, high in zip(chosen, edges, strict=True)
        ]
        rows.append([f"{place} dL/d{symbol}", *(f"{100 * share:.1f}%" for share in shares)])
    title = style("where each gradient comes from", "bold", stream)
    return f"{title}\n{table(columns, rows, stream)}"


def _summary(result: Json, stream: IO[str]) -> str:
    facts = {}
    for double, single in zip(result["comparisons"][::2], result["comparisons"][1::2], strict=True):
        facts[f"path {double['path']}"] = (
            f"forward {double['forward']:.1e}, gradients {double['gradient']:.1e} in float64;"
            f" {single['forward']:.1e}, {single['gradient']:.1e} in float32"
        )
    if result["finite_differences"]:
        facts["finite differences"] = _differences(result["finite_differences"])
    if "printed" in result:
        facts["printed values"] = f"{result['printed']['largest']:.1e} from the lecture's"
    if any(
        row["passed"] and row["relative"] > 1e-5 for c in result["comparisons"] for row in c["rows"]
    ):
        facts["~"] = "float32 alone costs that much in this network, by hand too"
    single = "within its own rounding (~) in float32" if "~" in facts else "1e-5 in float32"
    verdict = (
        style("equal", "green", stream) + f" within 1e-10 in float64 and {single}"
        if result["passed"]
        else style("NOT equal: ", "red", stream) + ", ".join(map(safe, result["failed"]))
    )
    return f"{fact_lines(facts, stream)}\n\n{verdict}"


def _differences(found: Sequence[Json]) -> str:
    tried = sum(each["tried"] for each in found)
    unresolved = sum(each["unresolved"] for each in found)
    worst = max(each["relative"] for each in found)
    lost = f" ({number(unresolved)} too small or too kinked to tell)" if unresolved else ""
    return f"{worst:.1e} from {number(tried)} entries{lost}"


# `rnnexp compare-manual [CONFIG or RUN]`: the layers beside their hand-computed form.


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
        from rnnexp.gradients.comparison_document import compare_lecture

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
    from rnnexp.gradients.comparison_document import compare_experiment
    from rnnexp.gradients.probe import plain_network
    from rnnexp.recording.run_folder import RunFolder

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
    from rnnexp.gradients.comparison_document import failure

    error = failure(result)
    if error is not None:
        print_errors(error, as_json=False)
        result = result | {"errors": error_objects(error)}
    if json:
        print_json(result)
    if error is not None:
        raise typer.Exit(error.exit_code)
