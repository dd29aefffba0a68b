"""Reading the text files of a run, also while it is written, also where a file is damaged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnnexp.reading import open_plain, read_bytes

__all__ = ["read_json", "read_records"]

JSON_LIMIT = 64 * 2**20


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file, or None where the file is missing or holds something else.

    Raises UnsafeError where it is a link, a FIFO or a device, or absurdly large.
    """
    try:
        value = json.loads(read_bytes(path, JSON_LIMIT))
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file in order; lines that are torn or damaged are passed over."""
    try:
        lines = open_plain(path)
    except OSError:
        return
    with lines:
        for line in lines:
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(record, dict):
                yield record
