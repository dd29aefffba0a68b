"""Two runs held against each other: the verdict, what differs, and what may be why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from .table import Cell, Column, fact_lines, table
from .text import safe, style

__all__ = ["reproduction_text"]

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
