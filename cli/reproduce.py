"""`rnnexp runs verify`: whether a run is still what it wrote."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Annotated, Any

import typer

from rnnexp.errors import CheckFailedError

from .help import DebugOption, JsonOption, RunsOption
from .predict import run_config
from .render import error_objects, print_json
from .tables import Cell, Column, fact_lines, table
from .terminal import print_text, safe, style

__all__ = ["reproduce", "verify"]


# Two runs held against each other: the verdict, what differs, and what may be why.

LONGEST = 60
MOST_CAUSES, MOST_NAMES = 12, 5
NOTHING_CHANGED = (
    "nothing that is recorded has changed: data, settings, versions, device, threads, processor",
    "what remains is a bug in rnnexp, or an operation that is not deterministic;",
    "rnnexp runs verify {run} --replay trains a stretch of it again and compares every bit, and",
    "rnnexp reproduce {reproduction} tells whether this machine repeats itself",
)


def reproduction_text(result: Mapping[str, Any], stream: IO[str]) -> str:
    """The verdict; then, unless every bit is the same, what differs and the causes."""
    verdict = result["verdict"]
    parts = [_verdict(result, stream)]
    if verdict == "different":
        parts.append(_metric_table(result["metrics"], result["tolerance"], stream))
    if verdict != "identical":
        parts.append(fact_lines(dict(_departures(result)), stream))
        parts.append(_causes(result, stream))
    elif result["causes"]:
        names = ", ".join(safe(str(cause["what"])) for cause in result["causes"][:MOST_NAMES])
        parts.append(f"changed since, without effect: {names}")
    return "\n\n".join(filter(None, parts))


def _verdict(result: Mapping[str, Any], stream: IO[str]) -> str:
    metrics = result["metrics"]
    if result["verdict"] == "identical":
        what = f"{len(metrics)} metrics, the log, {result['weights']['tensors']} tensors of weights"
        return f"{style('the same, bit for bit', 'green', stream)}: {what}"
    if result["verdict"] == "same":
        exact = all(each["difference"] == 0 for each in metrics.values())
        digits = "exactly" if exact else f"to {result['digits']} digits"
        return style(f"the same {len(metrics)} metrics, {digits}; not every bit", "yellow", stream)
    off = sum(each["difference"] > result["tolerance"] for each in metrics.values())
    return style(f"different: {off} of {len(metrics)} metrics", "red", stream)


def _metric_table(
    metrics: Mapping[str, Mapping[str, Any]], tolerance: float, stream: IO[str]
) -> str:
    """A row a metric: what it was, what it is, and how far apart that is."""
    columns = [
        Column("metric"),
        Column("then", right=True, goes=1),
        Column("now", right=True),
        Column("difference", right=True),
    ]
    rows: list[list[Cell]] = [
        [
            safe(name),
            _number(each["then"]),
            _number(each["now"]),
            (f"{each['difference']:.1e}", "red") if each["difference"] > tolerance else "none",
        ]
        for name, each in metrics.items()
    ]
    return table(columns, rows, stream)


def _number(value: float | None) -> str:
    return "missing" if value is None else f"{value:.10g}"


def _departures(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where course, log and weights part."""
    for name, pair in result["course"].items():
        yield name, f"{_shown(pair['then'])} then, {_shown(pair['now'])} now"
    log, weights = result["log"], result["weights"]
    if log is None:
        yield "log", "the same line by line"
    else:
        values = f": {_shown(log['then'])} then, {_shown(log['now'])} now"
        told = "" if log["then"] is None and log["now"] is None else values
        yield (
            "log",
            f"parts at line {log['line']}, step {_shown(log['step'])}, {_shown(log['key'])}" + told,
        )
    yield "weights", _weights(weights)


def _weights(weights: Mapping[str, Any]) -> str:
    if weights["why"] is not None:
        return f"not compared: {safe(str(weights['why']))}"
    different = weights["different"]
    if not different:
        return f"the best ones the same, bit for bit ({weights['tensors']} tensors)"
    names = ", ".join(map(safe, different[:MOST_NAMES]))
    more = ", ..." if len(different) > MOST_NAMES else ""
    return f"{len(different)} of {weights['tensors']} tensors differ: {names}{more}"


def _causes(result: Mapping[str, Any], stream: IO[str]) -> str:
    causes: Sequence[Mapping[str, Any]] = result["causes"]
    if not causes:
        names = {key: safe(str(result[key])) for key in ("run", "reproduction")}
        return "\n".join(line.format(**names) for line in NOTHING_CHANGED)
    lines = [style("what has changed since, the likeliest cause first", "bold", stream)]
    for number, cause in enumerate(causes[:MOST_CAUSES], start=1):
        lines.append(fact_lines({f"{number:>2}": _cause(cause)}, stream))
    if len(causes) > MOST_CAUSES:
        lines.append(f"and {len(causes) - MOST_CAUSES} more; --json has all")
    return "\n".join(lines)


def _cause(cause: Mapping[str, Any]) -> str:
    values = f": {_shown(cause['then'])} then, {_shown(cause['now'])} now"
    told = "" if cause["then"] is None and cause["now"] is None else values
    return f"{safe(str(cause['what']))}{told}; {safe(str(cause['why']))}"


def _shown(value: Any) -> str:
    text = "nothing" if value is None else safe(str(value))
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


# `rnnexp reproduce RUN`: train it again and hold the two against each other.


def reproduce(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A folder, a unique prefix of its name, or latest.")
    ],
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance",
            min=0.0,
            max=1.0,
            metavar="X",
            help="Relative difference of a metric that is let pass.",
        ),
    ] = 0.0,
    allow_drift: Annotated[
        bool,
        typer.Option(
            "--allow-drift",
            help="Train although data or resolved.yaml are not what the run was trained with.",
        ),
    ] = False,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train a finished run again from what its folder recorded, and compare.

    A new run is made, with the same config, data, seed and threads; a limit in minutes ends it at
    the step at which it ended the run. Then metrics, log and weights are compared. Where they
    differ, what has changed in between is listed, the likeliest cause first. Ends in exit code 13
    where a metric is further off than --tolerance; data that have changed are refused.

    Example:
      rnnexp reproduce latest
      rnnexp reproduce latest --tolerance 1e-6
    """
    from rnnexp.reports.run_index import runs_folder

    path, config = run_config(run, runs)
    folder = runs_folder(runs)

    from rnnexp.running.reproducing import failure
    from rnnexp.running.reproducing import reproduce as train_again

    from .progress import make_progress

    progress = make_progress(json, last=False)
    result = train_again(
        path, config, folder, progress, tolerance=tolerance, allow_drift=allow_drift
    )
    stream = sys.stderr if json else sys.stdout
    print_text("\n" + reproduction_text(result, stream), stream)
    error = failure(result)
    if json:
        print_json(result | ({"errors": error_objects(error)} if error else {}))
    if error is not None:
        raise typer.Exit(error.exit_code)


# `rnnexp runs verify`: whether a run is still what it wrote.


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
    from rnnexp.reports.run_index import find_run, runs_folder

    found = find_run(run, runs_folder(runs))

    from rnnexp.running.verifying import replay_run, verify_run

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
