"""What a sweep is: a base config, the axes it is varied along, seeds, and a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from rnnexp.config.config import Config
from rnnexp.config.load import load_config, written_yaml
from rnnexp.sweeps.space import Axis, Choice, Interval, Values

__all__ = ["METHODS", "PRUNERS", "Definition", "Method", "MethodName", "Pruner"]

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
