"""JSON that every reader accepts: numbers that are not finite are written as text."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any

__all__ = ["finite", "json_line"]


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
