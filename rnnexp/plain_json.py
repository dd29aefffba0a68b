"""JSON that every reader accepts, numbers that are not finite written as text; and two compared."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["differences", "finite", "json_line"]


def json_line(value: Mapping[str, Any]) -> str:
    """`value` as JSON on one line, in ASCII.

    JSON has no NaN: `"NaN"`, `"Infinity"` and `"-Infinity"` stand for them, which `float()` reads.
    """
    return json.dumps(finite(value), allow_nan=False)


def finite(value: Any) -> Any:
    """`value` with numbers that are not finite as in `json_line`, and paths as text."""
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return str(value) if isinstance(value, os.PathLike) else value


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Dotted keys of all that two trees do not share, with both values."""
    for key in {**before, **after}:
        then, now = before.get(key), after.get(key)
        if isinstance(then, Mapping) and isinstance(now, Mapping):
            yield from differences(then, now, f"{prefix}{key}.")
        elif then != now:
            yield f"{prefix}{key}", (then, now)
