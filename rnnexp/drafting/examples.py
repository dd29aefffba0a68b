"""Whether there are enough examples, and what of them the config must say something about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from rnnexp.drafting.sides import Sides
from rnnexp.errors import DataError

__all__ = ["Counts", "check_classes", "check_enough", "counts_of"]

LEAST_EXAMPLES = 20
LEAST_OF_A_CLASS = 10
"""so many examples of the largest class leave some for validation and test"""


@dataclass(frozen=True)
class Counts:
    """What the examples of the sample have that the config must say something about."""

    repeated: int
    ambiguous: int
    blank: int
    longest: int
    typical: int


def check_enough(name: str, examples: int) -> None:
    """Raises DataError where there are too few different examples to train on."""
    if examples < LEAST_EXAMPLES:
        raise DataError(
            f"{name} has {examples} different examples; needs at least {LEAST_EXAMPLES} to train, "
            "validate and test on",
            code="DAT304",
        )


def check_classes(name: str, classes: Counter[Any]) -> None:
    """Raises DataError where no class has enough examples to be split into three parts."""
    label, most = classes.most_common(1)[0]
    if most < LEAST_OF_A_CLASS:
        raise DataError(
            f"the largest of the {len(classes)} classes of {name}, {label!r}, has {most} "
            f"examples; needs at least {LEAST_OF_A_CLASS}",
            code="DAT304",
            hint="more examples, or fewer and broader classes",
        )


def counts_of(sides: Sides) -> Counts:
    pairs = [
        (tuple(_hashable(field.values[row]) for field in sides.inputs), _hashable(answer))
        for row, answer in enumerate(sides.target.values)
    ]
    different = set(pairs)
    answers = Counter(inputs for inputs, _ in different)
    lengths = sorted(_steps(sides, value) for value in sides.source.present) or [1]
    return Counts(
        len(pairs) - len(different),
        sum(count > 1 for count in answers.values()),
        sum(any(field.values[row] is None for field in sides.inputs) for row in range(len(pairs))),
        lengths[-1],
        lengths[len(lengths) // 2],
    )


def _hashable(value: Any) -> Hashable:
    return repr(value) if isinstance(value, list) else value


def _steps(sides: Sides, value: Any) -> int:
    if len(sides.inputs) > 1:
        return len(sides.inputs)
    if isinstance(value, str):
        return len(value) if sides.unit == "character" else len(value.split())
    return len(value) if isinstance(value, list) else 1
