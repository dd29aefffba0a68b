"""A sweep file, and what the command line adds to it -> a Definition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rnnexp.config.config import KeyPath
from rnnexp.config.document import Document, load_document, load_value, load_with_bases
from rnnexp.config.experiment_settings import NAME_PATTERN
from rnnexp.config.explain import problem_at
from rnnexp.config.loading import flow_yaml
from rnnexp.config.overrides import COMMAND_LINE, caret
from rnnexp.config.yaml_reading import read_config
from rnnexp.errors import CommandError, ConfigError, Position, Problem, nearest
from rnnexp.sweeps.definition import (
    METHODS,
    PRUNERS,
    Axis,
    Choice,
    Definition,
    Interval,
    Method,
    Values,
)

__all__ = ["Shell", "is_sweep_file", "read_sweep"]


# Axes from the command line.
#
# model.cell=rnn,lstm            two values
# seed=0..4                      the whole numbers from 0 to 4
# training.optimizer.lr=1e-4..1e-1   all numbers between; `log:1e-4..1e-1` evenly in the logarithm
# training.epochs=5              one value, for every trial

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


# A sweep file, and what the command line adds to it -> a Definition.
#
# name: remedies
# base: temporal_order.yaml     # or a whole config in its place
# set: {training.epochs: 4}     # for every trial
# seeds: 5
# method: grid                  # or {name: random, trials: 20, seed: 0}, or {name: tpe, ...}
# space:
# model.cell: [rnn, lstm]
# training.optimizer.lr: {log_range: [1e-4, 1e-1], points: 4}
# remedy: {choice: {none: {training.clip: null}, clip: {training.clip: {norm: 1.0}}}}

KEYS = ("name", "base", "set", "seeds", "method", "space")
SWEEP_KEYS = {"seeds", "method", "space"}
"""what a config has not, and by which a sweep file is known"""
METHOD_KEYS = ("name", "trials", "seed", "pruner")
FORMS = ("values", "range", "log_range", "choice")
MOST_SEEDS = 1000
LARGEST_SEED = 2**32 - 1


def read_sweep(path: Path, typed: Sequence[str] = (), options: Method | None = None) -> Definition:
    """The sweep in a file, or of a config along the axes on the command line.

    typed: `a.b=1,2,3` is an axis, `a.b=1` holds for every trial; both go before the file.
    options: the method, where the command line names one.

    Raises CommandError and ConfigError, each with all that is wrong.
    """
    text = read_config(path)
    document = load_document(text, str(path))
    shell = Shell.read(typed)
    if not SWEEP_KEYS & document.tree.keys():
        tree = load_with_bases(path, text).tree
        name = tree.get("name") if isinstance(tree.get("name"), str) else path.stem
        definition = Definition(f"{name}-sweep", path, (), (), (), Method())
    else:
        reader = _Reader(document)
        definition = reader.definition(path)
        if reader.problems or document.problems:
            raise ConfigError([*document.problems, *reader.problems])
    return _check(shell.over(definition, options), document)


def is_sweep_file(path: Path) -> bool:
    """Whether a file describes a sweep, and not a single experiment."""
    return bool(SWEEP_KEYS & load_document(read_config(path), str(path)).tree.keys())


def _check(definition: Definition, document: Document) -> Definition:
    """What only the whole can tell."""
    method, problems = definition.method, list[Problem]()
    if not definition.axes and len(definition.seeds) < 2:
        problems.append(
            problem_at(
                "SWP001",
                "there is nothing to sweep",
                ("space",),
                document,
                hint="give a key several values: model.cell=rnn,lstm; or several seeds: seed=0..4",
            )
        )
    for axis in definition.axes:
        if method.name == "grid" and isinstance(axis, Interval) and axis.points is None:
            problems.append(
                problem_at(
                    "SWP002",
                    "a grid needs to know how many values of a range",
                    ("space", axis.name),
                    document,
                    hint="add `points: 4`; or search at random: method: {name: random, trials: 20}",
                )
            )
    problems += _own_keys(definition, document)
    problems += _shared_keys(definition, document)
    if method.name != "grid" and method.trials is None:
        message = f"{method.name} needs to know how many settings to try"
        problems.append(
            problem_at("SWP003", message, ("method",), document, hint="trials: 20; --trials 20")
        )
    if method.pruner and (method.name != "tpe" or len(definition.seeds) > 1):
        message = "pruning goes with tpe" if method.name != "tpe" else "pruning needs a single seed"
        problems.append(problem_at("SWP004", message, ("method", "pruner"), document))
    if problems:
        raise ConfigError(problems)
    return definition


def _own_keys(definition: Definition, document: Document) -> Iterator[Problem]:
    """Every point has a seed and a name of its own, which an axis would lose."""
    for axis in definition.axes:
        for key in {"name", "seed"} & set(axis.keys):
            hint = "write `seeds:` at the top of the file, or seed=0..4" if key == "seed" else None
            message = f"{key} is not an axis: each trial gets its own"
            yield problem_at("SWP007", message, ("space", axis.name), document, hint=hint)


def _shared_keys(definition: Definition, document: Document) -> list[Problem]:
    """Two axes that set the same key would undo each other."""
    owner: dict[str, str] = {}
    problems = []
    for axis in definition.axes:
        for key in axis.keys:
            other = next((o for k, o in owner.items() if _overlap(k, key)), None)
            if other is not None and other != axis.name:
                message = f"{key} is set by {other} as well"
                problems.append(problem_at("SWP005", message, ("space", axis.name), document))
            owner[key] = axis.name
    return problems


def _overlap(key: str, other: str) -> bool:
    return f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.")


class _Reader:
    """Reads what the document holds; what is wrong gathers in `problems`."""

    def __init__(self, document: Document) -> None:
        self.document, self.problems = document, list[Problem]()

    def definition(self, path: Path) -> Definition:
        tree = self.document.tree
        self._known(tree, KEYS, ())
        base, inline = tree.get("base"), isinstance(tree.get("base"), dict)
        if not inline and (not isinstance(base, str) or not base):
            allowed = "a config file, or a config in its place"
            self._wrong(("base",), "needs the config that is varied", value=base, allowed=allowed)
        return Definition(
            self._name(tree.get("name", path.stem)),
            path.parent / base if isinstance(base, str) else path,
            self._fixed(tree.get("set")),
            self._axes(tree.get("space")),
            self._seeds(tree.get("seeds")),
            self._method(tree.get("method", "grid")),
            inline,
        )

    def _name(self, name: Any) -> str:
        if isinstance(name, str) and re.match(NAME_PATTERN, name):
            return name
        self._wrong(("name",), "not a valid name", value=name, allowed=NAME_PATTERN)
        return "sweep"

    def _fixed(self, keys: Any) -> tuple[str, ...]:
        if keys is None:
            return ()
        if not isinstance(keys, dict):
            self._wrong(("set",), "expected keys and their values", value=keys)
            return ()
        for key in {"name", "seed"} & keys.keys():
            meant = {"name": "name", "seed": "seeds"}[key]
            self._wrong(("set", key), f"belongs to the top of the file, as {meant}", at_key=True)
        return tuple(f"{key}={flow_yaml(value)}" for key, value in keys.items())

    def _seeds(self, seeds: Any) -> tuple[int, ...]:
        if seeds is None:
            return ()
        if _whole(seeds) and 1 <= seeds <= MOST_SEEDS:
            return tuple(range(seeds))
        listed = isinstance(seeds, tuple) and 0 < len(seeds) <= MOST_SEEDS
        if listed and all(_whole(seed) and 0 <= seed <= LARGEST_SEED for seed in seeds):
            if len(set(seeds)) == len(seeds):
                return tuple(seeds)
            self._wrong(("seeds",), "a seed is listed twice", value=list(seeds))
            return ()
        allowed = f"how many, 1 to {MOST_SEEDS:,}, or a list such as [0, 1, 2]"
        self._wrong(("seeds",), "not a number of seeds", value=seeds, allowed=allowed)
        return ()

    def _method(self, method: Any) -> Method:
        written = {"name": method} if isinstance(method, str) else method
        if not isinstance(written, dict):
            self._wrong(("method",), "expected a method", value=method, allowed=", ".join(METHODS))
            return Method()
        self._known(written, METHOD_KEYS, ("method",))
        name = written.get("name", "grid")
        if name not in METHODS:
            self._choice(
                ("method", "name") if isinstance(method, dict) else ("method",), name, METHODS
            )
            return Method()
        pruner = written.get("pruner")
        if pruner is not None and pruner not in PRUNERS:
            self._choice(("method", "pruner"), pruner, PRUNERS)
            pruner = None
        for key in ("trials", "seed", "pruner"):
            if key in written and name == "grid":
                self._wrong(("method", key), "has no effect on a grid", value=written[key])
        trials, seed = written.get("trials"), written.get("seed", 0)
        if trials is not None and not (_whole(trials) and 1 <= trials <= 10_000):
            self._wrong(("method", "trials"), "out of range", value=trials, allowed="1 to 10,000")
            trials = 1
        if not (_whole(seed) and 0 <= seed <= LARGEST_SEED):
            self._wrong(("method", "seed"), "out of range", value=seed, allowed="0 to 2^32 - 1")
            seed = 0
        return Method(name, trials, seed, pruner)

    def _axes(self, space: Any) -> tuple[Axis, ...]:
        if space is None:
            return ()
        if not isinstance(space, dict):
            self._wrong(("space",), "expected keys and the values they take", value=space)
            return ()
        made = [self._axis(name, written) for name, written in space.items()]
        return tuple(axis for axis in made if axis is not None)

    def _axis(self, name: str, written: Any) -> Axis | None:
        at: KeyPath = ("space", name)
        if isinstance(written, tuple):
            return self._values(name, written, at)
        if not isinstance(written, dict) or not written:
            self._wrong(at, "expected several values", value=written, allowed=_forms())
            return None
        forms = [form for form in FORMS if form in written]
        self._known(written, (*FORMS, "points"), at)
        if len(forms) != 1:
            self._wrong(at, "needs one of these", allowed=_forms())
            return None
        if "points" in written and "range" not in forms[0]:
            self._wrong((*at, "points"), "goes with range and log_range", value=written["points"])
        if forms == ["values"]:
            return self._values(name, written["values"], (*at, "values"))
        if forms == ["choice"]:
            return self._options(name, written["choice"], (*at, "choice"))
        return self._interval(name, written, forms[0], at)

    def _values(self, name: str, values: Any, at: KeyPath) -> Axis | None:
        if not isinstance(values, tuple) or not values:
            self._wrong(at, "expected a list of values", value=values)
            return None
        if len(set(map(flow_yaml, values))) < len(values):
            self._wrong(at, "a value is listed twice", value=list(values))
        return Values(name, values)

    def _options(self, name: str, options: Any, at: KeyPath) -> Axis | None:
        if not isinstance(options, dict) or not options:
            self._wrong(at, "expected labels, and what each of them sets", value=options)
            return None
        for label, keys in options.items():
            if not isinstance(keys, dict):
                self._wrong((*at, label), "expected the keys that it sets", value=keys)
                return None
        return Choice(name, options)

    def _interval(
        self, name: str, written: Mapping[str, Any], form: str, at: KeyPath
    ) -> Axis | None:
        ends, points = written[form], written.get("points")
        if not (isinstance(ends, tuple) and len(ends) == 2 and all(map(_number, ends))):
            self._wrong((*at, form), "expected two numbers", value=ends, allowed="[low, high]")
            return None
        low, high = ends
        if not low < high or (form == "log_range" and low <= 0):
            allowed = "0 < low < high" if form == "log_range" else "low < high"
            self._wrong((*at, form), "out of range", value=list(ends), allowed=allowed)
            return None
        if points is not None and not (_whole(points) and 1 <= points <= 1000):
            self._wrong((*at, "points"), "out of range", value=points, allowed="1 to 1,000")
            return None
        return Interval(name, low, high, form == "log_range", points)

    def _known(self, section: Mapping[str, Any], keys: Sequence[str], at: KeyPath) -> None:
        for name in section:
            if name not in keys:
                self._wrong(
                    (*at, name),
                    "unknown key",
                    at_key=True,
                    allowed=", ".join(keys),
                    suggestion=nearest(name, keys),
                )

    def _choice(self, at: KeyPath, value: Any, choices: Sequence[str]) -> None:
        near = nearest(value, choices) if isinstance(value, str) else None
        allowed = ", ".join(choices)
        self._wrong(at, "unknown value", value=value, allowed=allowed, suggestion=near)

    def _wrong(self, at: KeyPath, message: str, **fields: Any) -> None:
        problem = problem_at("SWP010", message, at, self.document, **fields)
        self.problems.append(
            problem if problem.key else replace(problem, key=".".join(map(str, at)))
        )


def _forms() -> str:
    return "[a, b], {range: [low, high]}, {log_range: [low, high]}, {choice: {label: {key: value}}}"


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
