"""The keys of a JSONL file, each with what stands under it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from rnnexp.drafting.field import Field, field_of_values
from rnnexp.drafting.sample import Sample
from rnnexp.errors import DataError

__all__ = ["Objects", "read_objects"]

MOST_OBJECTS = 10_000
MOST_KEYS = 1000


@dataclass(frozen=True)
class Objects:
    """The first objects of a file, key by key; the rest as in a table."""

    sample: Sample
    fields: tuple[Field, ...]
    lines: list[int]
    rows: int
    count: str

    kind = "jsonl"

    @property
    def names(self) -> list[str]:
        return [field.name for field in self.fields]

    @property
    def complete(self) -> bool:
        return self.rows == len(self.lines)

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)


def read_objects(sample: Sample) -> Objects:
    """Every key of the first objects.

    Raises:
        DataError: a line that holds no JSON object.
    """
    objects, lines = [], []
    filled = [(number, line) for number, line in enumerate(sample.lines, 1) if line.strip()]
    for number, line in filled[:MOST_OBJECTS]:
        objects.append(_object(sample, number, line))
        lines.append(number)
    names = list(dict.fromkeys(name for found in objects for name in found))[:MOST_KEYS]
    fields = [field_of_values(name, [found.get(name) for found in objects]) for name in names]
    return Objects(
        sample, tuple(fields), lines, sample.estimate(len(filled)), sample.scaled(len(filled))
    )


def _object(sample: Sample, number: int, line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return found
    raise DataError(
        "expected one JSON object a line",
        code="DAT121",
        position=sample.at(number),
        value=line[:200],
        hint="a file that is one JSON list: write each of its objects on a line of its own",
    )
