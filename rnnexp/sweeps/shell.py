"""Axes from the command line.

model.cell=rnn,lstm            two values
seed=0..4                      the whole numbers from 0 to 4
training.optimizer.lr=1e-4..1e-1   all numbers between; `log:1e-4..1e-1` evenly in the logarithm
training.epochs=5              one value, for every trial
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rnnexp.config.document import load_value
from rnnexp.config.overrides import COMMAND_LINE, caret
from rnnexp.config.schema.experiment import NAME_PATTERN
from rnnexp.errors import CommandError, ConfigError, Position, Problem
from rnnexp.sweeps.definition import Definition, Method
from rnnexp.sweeps.space import Axis, Interval, Values

__all__ = ["MOST_VALUES", "Shell"]

MOST_VALUES = 10_000
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
BETWEEN = re.compile(rf"(log:)?({NUMBER})\.\.({NUMBER})(?::(\d+))?")
"""`low..high`, and in a grid `low..high:points`"""
OPENING, CLOSING = "[{", "]}"


@dataclass(frozen=True)
class Shell:
    """fixed: overrides with one value, as typed. seeds, name: None where none were typed."""

    axes: tuple[Axis, ...] = ()
    fixed: tuple[str, ...] = ()
    seeds: tuple[int, ...] | None = None
    name: str | None = None

    @classmethod
    def read(cls, typed: Sequence[str]) -> Shell:
        """Sort what was typed. Raises CommandError with every argument that cannot be read."""
        found, problems = cls(), list[Problem]()
        for number, argument in enumerate(typed, start=1):
            key, equals, text = argument.partition("=")
            try:
                if key == "seed" and equals:
                    found = replace(found, seeds=_seeds(text))
                elif key == "name" and equals:
                    found = replace(found, name=_name(text))
                elif equals and not argument.startswith("~") and _several(text):
                    found = replace(found, axes=(*found.axes, _axis(key, text)))
                else:
                    found = replace(found, fixed=(*found.fixed, argument))
            except ValueError as error:
                problems.append(_problem(number, argument, key, str(error)))
        if problems:
            raise CommandError(problems)
        return found

    def over(self, definition: Definition, method: Method | None) -> Definition:
        """The definition with what was typed in place of what the file said of the same keys."""
        fixed = {argument.removeprefix("~").partition("=")[0] for argument in self.fixed}
        typed = fixed | {axis.name for axis in self.axes}
        axes = (axis for axis in definition.axes if axis.name not in typed)
        before = (each for each in definition.fixed if each.partition("=")[0] not in typed)
        return replace(
            definition,
            name=self.name or definition.name,
            axes=(*axes, *self.axes),
            fixed=(*before, *self.fixed),
            seeds=definition.seeds if self.seeds is None else self.seeds,
            method=method or definition.method,
        )


def _seeds(text: str) -> tuple[int, ...]:
    axis = _axis("seed", text)
    if not isinstance(axis, Values) or not all(map(_is_seed, axis.values)):
        raise ValueError("seeds are whole numbers from 0 to 2^32 - 1")
    if len(set(axis.values)) < len(axis.values):
        raise ValueError("a seed is given twice")
    return axis.values


def _name(text: str) -> str:
    name = _value(text)
    if not isinstance(name, str) or not re.match(NAME_PATTERN, name):
        raise ValueError("not a valid name")
    return name


def _several(text: str) -> bool:
    return BETWEEN.fullmatch(text) is not None or len(list(_split(text))) > 1


def _split(text: str) -> Iterator[str]:
    """The parts between commas that stand in no bracket and no quotes."""
    depth, quote, begin = 0, "", 0
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in OPENING + CLOSING:
            depth += 1 if letter in OPENING else -1
        elif letter == "," and depth == 0:
            yield text[begin:place]
            begin = place + 1
    yield text[begin:]


def _axis(key: str, text: str) -> Axis:
    """Raises ValueError with what is wrong."""
    if between := BETWEEN.fullmatch(text):
        return _between(key, *between.groups())
    values = tuple(_value(part) for part in _split(text))
    if len(values) > MOST_VALUES:
        raise ValueError(f"more than {MOST_VALUES:,} values")
    return Values(key, values)


def _between(key: str, log: str | None, first: str, last: str, points: str | None) -> Axis:
    low, high = _value(first), _value(last)
    if not low < high or (log and low <= 0):
        raise ValueError("expected 0 < low < high" if log else "expected low < high")
    whole = isinstance(low, int) and isinstance(high, int)
    if whole and not log and points is None:
        if high - low >= MOST_VALUES:
            raise ValueError(f"more than {MOST_VALUES:,} values")
        return Values(key, tuple(range(low, high + 1)))
    return Interval(key, low, high, log is not None, int(points) if points else None)


def _value(text: str) -> Any:
    if not text.strip():
        raise ValueError("a value is empty")
    try:
        return load_value(text.strip(), "")[0]
    except ConfigError as error:
        raise ValueError(error.problems[0].message) from None


def _is_seed(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32


def _problem(number: int, argument: str, key: str, message: str) -> Problem:
    column = len(key) + 2
    return Problem(
        "SWP020",
        message,
        Position(f"{COMMAND_LINE}{number}", column=column),
        key=key,
        value=argument.partition("=")[2],
        hint=caret(argument, column, whole_value=True),
        exit=CommandError.exit_code,
    )
