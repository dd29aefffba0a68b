"""Questions and answers between a parent and its workers: one JSON object a line.

A worker that fails to answer says why under `failed`. Standard library alone, as `shape.py`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

__all__ = ["Record", "claim_stdout", "serve"]

Record = dict[str, Any]


def claim_stdout() -> Callable[[Mapping[str, Any]], None]:
    """What says a line to the parent; from now on what a library prints goes to stderr."""
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)

    def say(record: Mapping[str, Any]) -> None:
        with suppress(BrokenPipeError):  # the parent is gone, and stdin will end, too
            out.write(json.dumps(record).encode() + b"\n")

    return say


def serve(say: Callable[[Mapping[str, Any]], None], answer: Callable[[Record], Record]) -> None:
    """Answer questions until stdin ends: whoever asked is gone then."""
    for line in sys.stdin.buffer:
        try:
            answered = answer(json.loads(line))
        except Exception as error:  # of any library, in any way
            answered = {
                "failed": f"{type(error).__name__}: {error}"[:500],
                "memory": isinstance(error, MemoryError) or "allocate" in str(error),
            }
        say(answered)
