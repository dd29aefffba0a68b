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
    """fixed: overrides with one value, as typed. seeds: None where none were typed."""

    axes: tuple[Axis, ...] = ()
    fixed: tuple[str, ...] = ()
    seeds: tuple[int, ...] | None = None

    @classmethod
    def read(cls, typed: Sequence[str]) -> Shell:
        """Sort what was typed. Raises CommandError with every argument that cannot be read."""
        axes, fixed, seeds, problems = [], [], None, list[Problem]()
        for number, argument in enumerate(typed, start=1):
            key, equals, text = argument.partition("=")
            if not equals or argument.startswith("~") or not _several(text):
                fixed.append(argument)
                continue
            try:
                axis = _axis(key, text)
            except ValueError as error:
                problems.append(_problem(number, argument, key, str(error)))
                continue
            if key != "seed":
                axes.append(axis)
            elif isinstance(axis, Values) and all(map(_is_seed, axis.values)):
                seeds = axis.values
            else:
                problems.append(_problem(number, argument, key, "seeds are whole numbers"))
        if problems:
            raise CommandError(problems)
        return cls(tuple(axes), tuple(fixed), seeds)

    def over(self, definition: Definition, method: Method | None) -> Definition:
        """The definition with what was typed in place of what the file said of the same keys."""
        fixed = {argument.removeprefix("~").partition("=")[0] for argument in self.fixed}
        typed = {axis.name for axis in self.axes}
        kept = [axis for axis in definition.axes if axis.name not in fixed | typed]
        before = [a for a in definition.fixed if a.partition("=")[0] not in fixed | typed]
        alone = "seed" in fixed  # `seed=3`: this one, whatever the file says
        return replace(
            definition,
            axes=(*kept, *self.axes),
            fixed=(*before, *self.fixed),
            seeds=self.seeds if self.seeds is not None else () if alone else definition.seeds,
            method=method or definition.method,
        )


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
