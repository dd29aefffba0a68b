"""The points of a sweep: each is one training, said as overrides of the frozen base."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rnnexp.config.loading import flow_yaml
from rnnexp.errors import ConfigError
from rnnexp.sweeps.definition import Axis, Choice, Definition, Setting, drawn, grid, size

__all__ = ["MOST_POINTS", "Point", "enumerate_points", "point_of", "settings_of_method"]

MOST_POINTS = 10_000
LONGEST_NAME = 64


@dataclass(frozen=True)
class Point:
    """number: its place in the sweep. setting: points that differ in nothing but the seed share it.

    overrides: of base.yaml. labels, labelled: the choices it took, and which keys each stands for.
    params: what a search called it.
    """

    number: int
    setting: int
    seed: int
    overrides: tuple[str, ...]
    labels: Mapping[str, str]
    labelled: Mapping[str, list[str]]
    params: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Point:
        """Raises KeyError and TypeError where it is not what `to_json` gave."""
        names = ("number", "setting", "seed", "overrides", "labels", "labelled", "params")
        return replace(cls(*(record[name] for name in names)), overrides=tuple(record["overrides"]))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def trial(self) -> dict[str, Any]:
        """What trial.json says."""
        known: dict[str, Any] = {"point": self.number, "setting": self.setting}
        if self.labels:
            known |= {"labels": dict(self.labels), "labelled": dict(self.labelled)}
        return known

    @property
    def told(self) -> str:
        """What it sets, in one line for people."""
        return " ".join(f"{key}={value}" for key, value in self._shown())

    @property
    def brief(self) -> str:
        """The same with the last part of each key alone."""
        return "  ".join(f"{key.rpartition('.')[2]}={value}" for key, value in self._shown())

    def _shown(self) -> Iterator[tuple[str, str]]:
        """Labels in place of the keys that they stand for; the name is nobody's setting."""
        hidden = {"name", *(key for keys in self.labelled.values() for key in keys)}
        yield from self.labels.items()
        for each in self.overrides:
            key, _, value = each.partition("=")
            if key not in hidden:
                yield key, value


def enumerate_points(definition: Definition, base_seed: int) -> list[Point]:
    """Every point of a grid or a random search, in order.

    Raises ConfigError where there are more than `MOST_POINTS`, before one is made.
    """
    count = size(definition.axes) if definition.method.name == "grid" else definition.method.trials
    seeds = len(definition.seeds) or 1
    if (count or 1) * seeds > MOST_POINTS:
        raise ConfigError(
            f"{(count or 1) * seeds:,} trials, of at most {MOST_POINTS:,}",
            code="SWP006",
            hint="fewer values, or a search: method: {name: random, trials: 100}",
        )
    made = list[Point]()
    for number, setting in enumerate(settings_of_method(definition)):
        for seed in definition.seeds or (base_seed,):
            made.append(point_of(definition, len(made), number, setting, seed))
    return made


def settings_of_method(definition: Definition) -> Iterator[Setting]:
    """What a grid or a random search tries, the seed aside; what chance draws twice comes once."""
    method = definition.method
    settings: Iterable[Setting] = (
        grid(definition.axes)
        if method.name == "grid"
        else (drawn(definition.axes, method.seed, n) for n in range(method.trials or 0))
    )
    seen = set[str]()
    for setting in settings:
        key = json.dumps(dict(setting.values), sort_keys=True, default=list)
        if key not in seen:
            seen.add(key)
            yield setting


def point_of(
    definition: Definition, number: int, setting_number: int, setting: Setting, seed: int
) -> Point:
    """The point at which a setting meets a seed."""
    suffix = f"-{number:04d}"
    name = definition.name[: LONGEST_NAME - len(suffix)] + suffix
    values = {"name": name, **setting.values, "seed": seed}
    return Point(
        number,
        setting_number,
        seed,
        tuple(f"{key}={flow_yaml(value)}" for key, value in values.items()),
        dict(setting.labels),
        _labelled(definition.axes, setting.labels),
    )


def _labelled(axes: Sequence[Axis], labels: Mapping[str, str]) -> dict[str, list[str]]:
    return {a.name: list(a.keys) for a in axes if isinstance(a, Choice) and a.name in labels}
