"""What a sweep is: a base config, the axes it is varied along, seeds, and a method."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from rnnexp.config.config import Config
from rnnexp.config.loading import load_config, written_yaml

__all__ = [
    "METHODS",
    "PRUNERS",
    "Axis",
    "Choice",
    "Definition",
    "Interval",
    "Method",
    "Setting",
    "Values",
    "drawn",
    "grid",
    "size",
]


# The axes of a sweep, and the settings that they span.
#
# A setting is what one axis, or all of them, set: dotted keys and their values, as `train` takes
# them on the command line. A label names a value that is a choice of whole sections.


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


# What a sweep is: a base config, the axes it is varied along, seeds, and a method.

MethodName = Literal["grid", "random", "tpe"]
Pruner = Literal["median", "asha"]
METHODS, PRUNERS = get_args(MethodName), get_args(Pruner)


@dataclass(frozen=True)
class Method:
    """How settings are found.

    trials: how many settings `random` and `tpe` try. seed: of the search, not of a network.
    pruner: what stops trials of `tpe` that fall behind.
    """

    name: MethodName = "grid"
    trials: int | None = None
    seed: int = 0
    pruner: Pruner | None = None


@dataclass(frozen=True)
class Definition:
    """base: a config, or the sweep file itself, where the config stands in it (`inline`).

    fixed: overrides of the base that hold for every trial. seeds: of the networks; empty where the
    base's own is meant.
    """

    name: str
    base: Path
    fixed: tuple[str, ...]
    axes: tuple[Axis, ...]
    seeds: tuple[int, ...]
    method: Method
    inline: bool = False

    def load(self, overrides: Sequence[str] = ()) -> Config:
        """The base with the fixed overrides and more. Raises as `load_config`."""
        return load_config(self.base, (*self.fixed, *overrides), self._section)

    def written(self) -> tuple[Config, str]:
        """The base with the fixed overrides, also as YAML. Raises as `load_config`."""
        return written_yaml(self.base, self.fixed, self._section)

    @property
    def _section(self) -> str | None:
        return "base" if self.inline else None

    def to_json(self) -> dict[str, Any]:
        """What tells this sweep from another one of the same base."""
        return {
            "axes": [_axis(axis) for axis in self.axes],
            "seeds": list(self.seeds),
            "method": vars(self.method),
        }

    @classmethod
    def from_json(cls, name: str, base: Path, record: Mapping[str, Any]) -> Definition:
        """What `to_json` gave. Raises KeyError and TypeError where it is something else."""
        axes = tuple(map(_axis_from, record["axes"]))
        return cls(name, base, (), axes, tuple(record["seeds"]), Method(**record["method"]))


def _axis_from(record: Mapping[str, Any]) -> Axis:
    if "choice" in record:
        return Choice(record["name"], record["choice"])
    if "values" in record:
        return Values(record["name"], tuple(record["values"]))
    return Interval(**record)


def _axis(axis: Axis) -> dict[str, Any]:
    if isinstance(axis, Choice):
        return {"name": axis.name, "choice": {k: dict(v) for k, v in axis.options.items()}}
    if isinstance(axis, Interval):
        return vars(axis)
    return {"name": axis.name, "values": list(axis.values)}
