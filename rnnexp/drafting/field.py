"""What a column, or a key of JSON objects, holds: told by its values, its name only helps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import isnan
from typing import Any, Literal

from rnnexp.data.sources.csv_numbers import number_of
from rnnexp.drafting.moments import Moments, moments_of

__all__ = ["LABEL_NAMES", "Field", "Kind", "called", "field_of_cells", "field_of_values"]

Kind = Literal[
    "blank", "number", "date", "truth", "label", "text", "numbers", "vectors", "tokens", "other"
]

MOST_CLASSES = 100
LABEL_NAMES = ("label", "class", "target", "category", "sentiment", "tag", "language", "y")


@dataclass(frozen=True)
class Field:
    """A column or key of the sample.

    values: one a row, None where it is blank. kind: number, date, truth (true/false), label (few
    different texts), text, or a sequence: numbers, vectors (lists of numbers), tokens (texts).
    """

    name: str
    kind: Kind
    values: list[Any]

    @cached_property
    def present(self) -> list[Any]:
        return [value for value in self.values if value is not None]

    @property
    def blanks(self) -> int:
        return len(self.values) - len(self.present)

    @cached_property
    def counts(self) -> Counter[Any]:
        """How often each value of a single answer stands there."""
        return Counter(self.present)

    @property
    def whole(self) -> bool:
        """Whether all its numbers are whole."""
        return all(float(value).is_integer() for value in self.present)

    @property
    def is_class(self) -> bool:
        """Whether each value names one of a few classes."""
        if self.kind in ("label", "truth"):
            return True
        if self.kind != "number" or not self.whole or len(self.counts) < 2:
            return False
        few = 50 if called(self, LABEL_NAMES) else 20
        return len(self.counts) <= min(few, len(self.present) // 5)

    @cached_property
    def is_counter(self) -> bool:
        """Whether it only numbers the rows: every step is the same, and not 0."""
        if self.kind != "number" or len(self.present) < 3 or self.blanks:
            return False
        steps = {round(b - a, 9) for a, b in pairwise(self.present)}
        return len(steps) == 1 and 0 not in steps

    @cached_property
    def moments(self) -> Moments | None:
        return moments_of(self.present) if self.kind == "date" else None

    @property
    def mean_words(self) -> float:
        return sum(len(text.split()) for text in self.present) / max(len(self.present), 1)

    @property
    def words(self) -> str:
        """What it holds, in words."""
        if self.kind == "number" and self.present:
            return f"numbers, {min(self.present):g} to {max(self.present):g}"
        if self.kind in ("label", "truth"):
            listed = ", ".join(in_short(value) for value, _ in self.counts.most_common(4))
            more = f", ... {len(self.counts)} in all" if len(self.counts) > 4 else ""
            return f"classes {listed}{more}"
        return {"text": "texts", "date": "dates", "numbers": "lists of numbers",
                "vectors": "lists of vectors", "tokens": "lists of words",
                "blank": "nothing", "other": "something else"}[self.kind]  # fmt: skip


def called(field: Field, names: Sequence[str]) -> bool:
    """Whether a word of the field's name is one of `names`."""
    lower = "".join(c if c.isalnum() else " " for c in field.name.lower())
    return bool({lower.replace(" ", ""), *lower.split()} & set(names))


def in_short(value: Any) -> str:
    """One value as a person writes it: `3` for 3.0, `true` for True."""
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def described(fields: Sequence[Field]) -> dict[str, str]:
    """Names and what they hold, of many fields the first alone."""
    shown = fields if len(fields) <= 8 else fields[:4]
    more = {"...": f"{len(fields)} in all"} if len(shown) < len(fields) else {}
    return {field.name: field.words for field in shown} | more


def field_of_cells(name: str, cells: Sequence[str]) -> Field:
    """A column of a table."""
    filled = [cell for cell in cells if cell.strip()]
    numbers = [number_of(cell) for cell in cells]
    if None not in numbers:
        real = [None if n is None or isnan(n) else n for n in numbers]
        return Field(name, "number" if any(n is not None for n in real) else "blank", real)
    values = [cell.strip() or None for cell in cells]
    if moments_of(filled) is not None:
        return Field(name, "date", values)
    if (rows := _numbers_of(filled)) is not None:
        steps = iter(rows)
        return Field(name, "numbers", [None if cell is None else next(steps) for cell in values])
    return Field(name, _kind_of_texts(name, filled), values)


def _numbers_of(cells: Sequence[str]) -> list[list[float]] | None:
    """Cells that are sequences of numbers, parted by blanks."""
    rows = []
    for cell in cells:
        numbers = [number_of(part) for part in cell.split()]
        if any(number is None or isnan(number) for number in numbers):
            return None
        rows.append([number for number in numbers if number is not None])
    return rows if any(len(row) > 1 for row in rows) else None


def _kind_of_texts(name: str, texts: Sequence[str]) -> Kind:
    counts = Counter(texts)
    if {text.lower() for text in counts} <= {"true", "false"}:
        return "truth"
    named = called(Field(name, "text", []), LABEL_NAMES)
    few = len(counts) <= min(MOST_CLASSES, max(2, len(texts) // (2 if named else 4)))
    return "label" if few and len(counts) < len(texts) else "text"


def field_of_values(name: str, values: Sequence[Any]) -> Field:
    """A key of JSON objects, with None where an object has no value there."""
    filled = [value for value in values if value is not None]
    kinds = {_kind_of_value(value) for value in filled}
    if not filled:
        return Field(name, "blank", list(values))
    if kinds == {"text"}:
        kind = "date" if moments_of(filled) is not None else _kind_of_texts(name, filled)
        return Field(name, kind, list(values))
    kind = next(iter(kinds)) if len(kinds) == 1 else "other"
    return Field(name, kind, list(values))


def _kind_of_value(value: Any) -> Kind:
    if type(value) is list:
        return _kind_of_list(value)
    kinds: dict[type, Kind] = {bool: "truth", int: "number", float: "number", str: "text"}
    return kinds.get(type(value), "other")


def _kind_of_list(values: list[Any]) -> Kind:
    tests: tuple[tuple[Kind, Callable[[Any], bool]], ...] = (
        ("numbers", lambda value: type(value) in (int, float)),
        ("tokens", lambda value: type(value) is str),
        ("vectors", lambda value: type(value) is list and _kind_of_list(value) == "numbers"),
    )
    return next((kind for kind, fits in tests if values and all(map(fits, values))), "other")
