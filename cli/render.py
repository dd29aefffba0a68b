"""Errors and results, for people on stderr and stdout and for machines as JSON.

Nothing here parses markup, and nothing from a file reaches the terminal unescaped.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping
from typing import Any

from rnnexp.errors import Problem, RnnexpError
from rnnexp.reading import json_line

from .terminal import LONGEST_VALUE, cells, print_text, safe, shown, style, width_of

__all__ = ["error_lines", "error_objects", "print_errors", "print_json"]


def error_lines(problem: Problem, width: int | None = None) -> list[str]:
    """A problem as lines: the address and what is wrong, then, indented, the ways out."""
    where = f"{safe(str(problem.position))}: " if problem.position else ""
    key = f"{safe(problem.key)}: " if problem.key else ""
    got = f" (got {shown(problem.value)})" if problem.value is not None else ""
    lines = _wrap(
        f"{where}error[{problem.code}] {key}{safe(problem.message)}{got}", width, "", "    "
    )
    for way_out in _ways_out(problem, width):
        lines += _wrap(way_out, width, "  ", "    ")
    return lines


def _ways_out(problem: Problem, width: int | None) -> list[str]:
    meant = f"did you mean: {safe(problem.suggestion)}?" if problem.suggestion else ""
    allowed = f"allowed: {safe(problem.allowed)}" if problem.allowed else ""
    short = [part for part in (meant, allowed) if part]
    together = "    ".join(short)
    if len(together) + 2 <= (width or 100):
        short = [together] if together else []
    return short + [safe(line) for line in (problem.hint or "").splitlines()]


def _wrap(text: str, width: int | None, first: str, rest: str) -> list[str]:
    """Lines of at most `width` columns; long words stay whole, so that paths can be copied."""
    if width is None or cells(first + text) <= width:
        return [first + text]
    rest = rest if width > 40 else "  "
    return textwrap.wrap(
        text,
        max(width, 12),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def error_objects(error: RnnexpError) -> list[dict[str, Any]]:
    """The problems of an error for machines, one object each."""
    return [_error_object(problem, error.exit_code) for problem in error.problems]


def _error_object(problem: Problem, exit_code: int) -> dict[str, Any]:
    position = problem.position
    return {
        "code": problem.code,
        "file": position.file if position else None,
        "line": position.line if position else None,
        "column": position.column if position else None,
        "key": problem.key,
        "value": problem.value if _is_plain(problem.value) else shown(problem.value),
        "allowed": problem.allowed,
        "suggestion": problem.suggestion,
        "hint": problem.hint,
        "exit": problem.exit or exit_code,
        "message": problem.message,
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_VALUE
    if isinstance(value, int):
        return abs(value) < 2**64
    return value is None or isinstance(value, float)


def print_errors(error: RnnexpError, as_json: bool) -> None:
    """Says what went wrong on stderr; with `as_json` also as one object, last on stdout."""
    stream = sys.stderr
    for problem in error.problems:
        text = "\n".join(error_lines(problem, width_of(stream)))
        tag = f"error[{problem.code}]"
        print_text(text.replace(tag, style(tag, "red", stream), 1), stream)
    if as_json:
        print_json({"errors": error_objects(error)})


def print_json(result: Mapping[str, Any]) -> None:
    """One object on one line of stdout, in ASCII, valid for every JSON reader."""
    sys.stdout.write(json_line(result) + "\n")
    sys.stdout.flush()
