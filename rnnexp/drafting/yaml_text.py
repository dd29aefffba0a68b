"""A draft as YAML in the style of the gallery: a header, keys, and reasons beside them."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

from rnnexp.config.yaml_reading import resolve
from rnnexp.drafting.draft import Draft, Key

__all__ = ["experiment_name", "flow", "in_comment", "in_words", "yaml_text"]

WIDTH = 100
WIDEST_KEY = 42
"""reasons stand in one column, unless a line is longer than this"""
PLAIN = re.compile(r"[A-Za-z_./](?:[A-Za-z0-9_./~-]|[: ](?=[A-Za-z0-9_./]))*")


def yaml_text(draft: Draft, name: str, written: str) -> str:
    """The config as text; `written` is the file it will stand in, for the command to type."""
    found = (f"{key}: {in_words(value)}" for key, value in draft.found.items())
    header = [draft.title, *found, f"baselines: {draft.baselines}", f"run: rnnexp train {written}"]
    lines = [wrapped for line in header for wrapped in _comment(in_comment(line))]
    lines += [f"name: {flow(name)}", "seed: 0"]
    for section in ("data", "task", "model", "training"):
        lines += [f"{section}:", *_section(getattr(draft, section))]
    return "\n".join(lines) + "\n"


def experiment_name(stem: str) -> str:
    """What an experiment with this file may be called."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", PurePath(stem).name).strip("-._")[:64]
    return name if name[:1].isalnum() else "experiment"


def flow(value: Any) -> str:
    """A value as YAML on one line, which reads back as the same value."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        plain = PLAIN.fullmatch(value) and resolve(value) == value
        return value if plain else _quoted(value)
    return "null" if value is None else json.dumps(value)


def _quoted(text: str) -> str:
    escaped = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped)


def in_comment(text: str) -> str:
    """`text`, which may hold names out of the data, on one line that can be printed."""
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)


def in_words(value: Any) -> str:
    """Something that was found, for a person: `a (3), b (2)`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} ({part})" for key, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _comment(text: str, indent: str = "# ") -> Iterator[str]:
    yield from textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent="#   ", break_long_words=False
    )


def _section(keys: Iterable[Key]) -> Iterator[str]:
    lines = [
        (f"  {'# ' if key.offered else ''}{key.name}: {flow(key.value)}", key.why) for key in keys
    ]
    short = [len(line) for line, why in lines if why and len(line) <= WIDEST_KEY]
    column = max(short, default=0) + 3
    for line, why in lines:
        yield from _with_reason(line, in_comment(why), column)


def _with_reason(line: str, why: str, column: int) -> Iterator[str]:
    """The reason beside the key, in the common column if it can be; above it where it is too long.

    What does not fit into the line goes on below, under its beginning.
    """
    if not why:
        yield from _folded(line)
    elif len(line) < column:
        first, *rest = textwrap.wrap(why, WIDTH - column - 2)
        yield f"{line.ljust(column)}# {first}"
        yield from (f"{'':{column}}# {more}" for more in rest)
    elif len(line) + len(why) + 5 <= WIDTH:
        yield f"{line}   # {why}"
    else:
        yield from textwrap.wrap(why, WIDTH, initial_indent="  # ", subsequent_indent="  # ")
        yield from _folded(line)


def _folded(line: str) -> Iterator[str]:
    """A list too long for a line goes on in the next, after a comma between two items."""
    while len(line) > WIDTH and (end := line.rfind(", ", 8, WIDTH)) > 0:
        yield line[: end + 1]
        line = f"    {'# ' if line.startswith('  # ') else ''}{line[end + 2 :]}"
    yield line
