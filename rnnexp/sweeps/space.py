"""The axes of a sweep, and the settings that they span.

A setting is what one axis, or all of them, set: dotted keys and their values, as `train` takes them
on the command line. A label names a value that is a choice of whole sections.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Axis", "Choice", "Interval", "Setting", "Values", "drawn", "grid", "size"]


@dataclass(frozen=True)
class Setting:
    """values: dotted key -> value. labels: name of a choice -> which one it is."""

    values: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def __or__(self, other: Setting) -> Setting:
        return Setting({**self.values, **other.values}, {**self.labels, **other.labels})


@dataclass(frozen=True)
class Values:
    """One key, and the values it takes."""

    name: str
    values: tuple[Any, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.name,)

    def grid(self) -> tuple[Setting, ...]:
        return tuple(Setting({self.name: value}) for value in self.values)

    def draw(self, chance: random.Random) -> Setting:
        return chance.choice(self.grid())


@dataclass(frozen=True)
class Choice:
    """Whole sections that go together: `options` gives for each label the keys it sets."""

    name: str
    options: Mapping[str, Mapping[str, Any]]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(key for option in self.options.values() for key in option))

    def grid(self) -> tuple[Setting, ...]:
        return tuple(Setting(values, {self.name: label}) for label, values in self.options.items())

    def draw(self, chance: random.Random) -> Setting:
        return chance.choice(self.grid())


@dataclass(frozen=True)
class Interval:
    """One key, and all the values between two; in a grid, `points` of them, evenly spaced.

    logarithmic: evenly in the logarithm. Where both ends are whole numbers, so is every value.
    """

    name: str
    low: float
    high: float
    logarithmic: bool = False
    points: int | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    def at(self, share: float) -> float:
        """The value at a share of the way from low to high."""
        if self.logarithmic:
            low, high = math.log(self.low), math.log(self.high)
            value = math.exp(low + share * (high - low))
        else:
            value = self.low + share * (self.high - self.low)
        value = min(max(value, self.low), self.high)
        return round(value) if self.whole else float(f"{value:.6g}")

    def grid(self) -> tuple[Setting, ...]:
        assert self.points is not None, "the sweep was not checked"
        shares = [n / max(self.points - 1, 1) for n in range(self.points)]
        return tuple(Setting({self.name: value}) for value in dict.fromkeys(map(self.at, shares)))

    def draw(self, chance: random.Random) -> Setting:
        return Setting({self.name: self.at(chance.random())})


Axis = Values | Choice | Interval


def size(axes: Sequence[Axis]) -> int:
    """How many settings the grid has, without making them."""
    return math.prod(
        (axis.points or 1) if isinstance(axis, Interval) else len(axis.grid()) for axis in axes
    )


def grid(axes: Sequence[Axis]) -> Iterator[Setting]:
    """Every combination, the last axis running fastest."""
    for parts in itertools.product(*(axis.grid() for axis in axes)):
        yield _together(parts)


def drawn(axes: Sequence[Axis], seed: int, number: int) -> Setting:
    """Setting `number` of a random search: it depends on nothing but these three."""
    chance = random.Random(f"{seed}:{number}")
    return _together([axis.draw(chance) for axis in axes])


def _together(parts: Sequence[Setting]) -> Setting:
    whole = Setting()
    for part in parts:
        whole |= part
    return whole
