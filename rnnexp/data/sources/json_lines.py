"""Reading a JSONL file: one object a line, blank lines skipped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NoReturn

from rnnexp.data.reading_files import SourceFile
from rnnexp.data.records.examples import Example
from rnnexp.errors import DataError, Position, nearest

__all__ = ["object_of", "read_examples", "value_of"]


class DuplicateKeyError(ValueError):
    """The same key twice in one object: JSON readers disagree on which one counts."""


def read_examples(file: SourceFile, inputs: str, target: str) -> list[Example]:
    """Read the values under two keys from every line.

    Raises:
        DataError: a line that is not a JSON object with both keys, or no line at all.
    """
    keys = (inputs, target)
    examples = [
        Example(file.name, line, *(value_of(file.name, line, record, key) for key in keys))
        for line, record in _objects(file)
    ]
    if not examples:
        raise DataError(
            "the file is empty: 0 examples",
            code="DAT105",
            position=file.at(1),
            hint="one JSON object a line",
        )
    return examples


def _objects(file: SourceFile) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(file.text().split("\n"), start=1):
        if line.strip():
            yield number, object_of(file.name, number, line)


def object_of(name: str, number: int, line: str) -> dict[str, Any]:
    """The object on line `number` of the file `name`.

    Raises:
        DataError: it is no JSON object, or has a key twice.
    """
    try:
        record = DECODER.decode(line)
    except (ValueError, RecursionError) as error:
        _refuse(Position(name, number), line, error)
    if isinstance(record, dict):
        return record
    raise DataError(
        "expected a JSON object in braces",
        code="DAT121",
        position=Position(name, number, 1),
        value=record,
    )


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DuplicateKeyError(f"key {twice!r} stands twice in one object")
    return record


DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates)


def _refuse(position: Position, line: str, error: Exception) -> NoReturn:
    column = error.colno if isinstance(error, json.JSONDecodeError) else None
    if isinstance(error, json.JSONDecodeError):
        reason = f"not JSON: {error.msg}"
    elif isinstance(error, RecursionError):
        reason = "nested too deeply"
    else:  # the decoder's only other complaint is a number of thousands of digits
        reason = str(error) if isinstance(error, DuplicateKeyError) else "a number is too long"
    quotes = line.lstrip().startswith("{'")
    raise DataError(
        reason,
        code="DAT121",
        position=replace(position, column=column),
        hint="JSON needs double quotation marks" if quotes else None,
    ) from None


def value_of(name: str, line: int, record: dict[str, Any], key: str) -> Any:
    """What an object has under a key. Raises DataError where it has no such key."""
    if key in record:
        return record[key]
    raise DataError(
        f"no key {key!r} in this object",
        code="DAT122",
        position=Position(name, line),
        key=key,
        allowed=", ".join(map(repr, list(record)[:20])) or None,
        suggestion=nearest(key, record),
        hint="data.inputs and data.target name the keys to read",
    )
