"""From a definition to a frozen sweep: every point checked, nothing left open.

What is frozen is written under `runs/<name>-<8 hex>/`; the hex digits are those of what was asked
for, so that the same command meets the same sweep again, and an edited one makes another.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from rnnexp.config.config import Config
from rnnexp.config.loading import MAX_PROBLEMS, settings_of
from rnnexp.config.section import file_keys
from rnnexp.errors import CommandError, ConfigError, Position, Problem
from rnnexp.sweeps.definition import Axis, Choice, Definition, Values
from rnnexp.sweeps.points import Point, enumerate_points

__all__ = ["Plan", "plan_sweep"]


@dataclass(frozen=True)
class Plan:
    """A sweep before it starts. base_yaml: what the points are overrides of."""

    definition: Definition
    base: Config
    base_yaml: str
    points: tuple[Point, ...]

    @property
    def folder_name(self) -> str:
        """`<name>-<8 hex>`"""
        asked = {"base": settings_of(self.base), **self.definition.to_json()}
        text = json.dumps(asked, sort_keys=True, default=list)
        return f"{self.definition.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def config(self, point: Point) -> Config:
        """The experiment of a point. Raises as `load_config`."""
        return self.definition.load(point.overrides)


def plan_sweep(definition: Definition, folder: Path) -> Plan:
    """Check the base and every point.

    folder: what paths in the axes are relative to.

    Raises CommandError, ConfigError (the base; or points, with the values they have).
    """
    base = definition.load()
    if base.experiment.training.threads == "auto":  # a core for each worker
        definition = replace(definition, fixed=(*definition.fixed, "training.threads=1"))
    base, text = definition.written()
    definition = _with_absolute_files(definition, base, folder)
    if definition.method.name == "tpe":
        return Plan(definition, base, text, ())
    points = enumerate_points(definition, base.experiment.seed)
    plan = Plan(definition, base, text, tuple(points))
    _check_points(plan)
    return plan


def _with_absolute_files(definition: Definition, base: Config, folder: Path) -> Definition:
    """Files that an axis names are relative to the sweep file, or to where the command is given."""
    named = set(file_keys(base.experiment))

    def absolute(key: str, value: Any) -> Any:
        plain = isinstance(value, str) and ":" not in value
        return str((folder / value).absolute()) if key in named and plain else value

    def with_files(axis: Axis) -> Axis:
        if isinstance(axis, Values):
            return replace(axis, values=tuple(absolute(axis.name, v) for v in axis.values))
        if isinstance(axis, Choice):
            options = {
                label: {key: absolute(key, value) for key, value in keys.items()}
                for label, keys in axis.options.items()
            }
            return replace(axis, options=options)
        return axis

    return replace(definition, axes=tuple(map(with_files, definition.axes)))


def _check_points(plan: Plan) -> None:
    """Each setting once, with its first seed. Raises ConfigError with those that cannot be run."""
    problems = list[Problem]()
    for _, same in groupby(plan.points, key=lambda point: point.setting):
        point = next(same)
        try:
            plan.config(point)
        except (ConfigError, CommandError) as error:
            problems += [_of_trial(problem, point, plan) for problem in error.problems[:1]]
        if len(problems) == MAX_PROBLEMS:
            break
    if problems:
        raise ConfigError(problems)


def _of_trial(problem: Problem, point: Point, plan: Plan) -> Problem:
    """What is wrong with a setting, said with all of its values."""
    return replace(
        problem,
        message=f"trial {point.number} cannot be run: {problem.message}",
        position=Position(str(plan.definition.base)),
        hint="\n".join(filter(None, (f"its values: {point.told}", problem.hint))),
        exit=ConfigError.exit_code,
    )
