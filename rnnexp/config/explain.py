"""What pydantic found -> problems in the user's terms: key, line, what is allowed, the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from rnnexp.config.config import KeyPath
from rnnexp.config.document import Document
from rnnexp.config.overrides import caret
from rnnexp.config.schema import Experiment
from rnnexp.config.section import field_docs
from rnnexp.config.unknown_keys import FOREIGN_VALUES, Spot, advise, dotted, locate
from rnnexp.config.value_hints import (
    Kind,
    allowed,
    discriminator,
    expected,
    hint_for,
    kind_of_value,
    sections,
)
from rnnexp.errors import Problem, nearest

__all__ = ["explain", "problem_at"]

_TAG_ERRORS = ("union_tag_invalid", "union_tag_not_found")
_NOT_FINITE = "must be a finite number"
_OUT_OF_RANGE = {
    "greater_than": "out of range",
    "greater_than_equal": "out of range",
    "less_than": "out of range",
    "less_than_equal": "out of range",
    "finite_number": _NOT_FINITE,
    "string_pattern_mismatch": "not a valid name",
    "too_short": "too few entries",
    "too_long": "too many entries",
}


def explain(errors: Sequence[ErrorDetails], document: Document) -> list[tuple[KeyPath, Problem]]:
    """One problem for each key that is wrong, with its path in the config."""
    located = [(locate(error["loc"]), error) for error in errors]
    found: list[tuple[KeyPath, Problem]] = []
    for path in dict.fromkeys(spot.path for spot, _ in located):
        if not any(
            len(other.path) > len(path) and other.path[: len(path)] == path for other, _ in located
        ):
            here = [(spot, error) for spot, error in located if spot.path == path]
            found += _problems(here[0][0], [error for _, error in here], document)
    return _without_echoes(found)


def problem_at(
    code: str, message: str, path: KeyPath, document: Document, at_key: bool = False, **fields: Any
) -> Problem:
    """A problem of the key at `path`, at its value or at the key itself.

    Typed on the command line, it shows the argument with a caret and ends with exit code 2.
    """
    place = document.removed.get(path) or document.place(path)
    position = place.key if at_key else place.value
    if place.typed is not None:
        shown = caret(place.typed, position.column or 1, whole_value=not at_key)
        lines = [line for line in (shown, fields.pop("hint", None)) if line]
        fields |= {"hint": "\n".join(lines) or None, "exit": 2}
    return Problem(code, message, position, key=dotted(path) or None, **fields)


def _problems(
    spot: Spot, errors: list[ErrorDetails], document: Document
) -> Iterator[tuple[KeyPath, Problem]]:
    kind = errors[0]["type"]
    if kind == "extra_forbidden":
        yield spot.path, _unknown(spot, list(spot.section.model_fields), document)
    elif kind == "missing":
        yield spot.path, _missing(spot.path, spot.found, _description(spot), document)
    elif kind in _TAG_ERRORS:
        yield from _tag(spot, errors[0]["input"], document)
    else:
        yield spot.path, _wrong_value(spot, errors, document)


def _unknown(spot: Spot, keys: list[str], document: Document) -> Problem:
    if spot.section is Experiment:
        keys = [*keys, "base"]
    advice = advise(spot, keys, document)
    return problem_at(
        "CFG102",
        advice.message,
        spot.path,
        document,
        at_key=True,
        value=_value_at(document, spot.path),
        allowed=", ".join(keys),
        suggestion=advice.suggestion,
        hint=advice.hint,
    )


def _missing(
    path: KeyPath, found: tuple[Kind, ...], description: str | None, document: Document
) -> Problem:
    around = dotted(path[:-1])
    message = f"missing in {around}" if around else "missing"
    removed = path in document.removed
    return problem_at(
        "CFG101",
        "required, and cannot be removed" if removed else message,
        path,
        document,
        at_key=True,
        allowed=allowed(found),
        hint=description,
    )


def _description(spot: Spot) -> str | None:
    return field_docs(spot.section).get(str(spot.path[-1]))


def _tag(spot: Spot, written: Any, document: Document) -> Iterator[tuple[KeyPath, Problem]]:
    """The discriminator of a section is missing or wrong; any kind's keys are known."""
    key = str(discriminator(spot.found))
    by_tag = sections(spot.found)
    path = (*spot.path, key)
    keys = list(dict.fromkeys(k for section in by_tag.values() for k in section.model_fields))
    some = next(iter(by_tag.values()))
    choice = (Kind("a choice", choices=tuple(by_tag)),)
    if key in written:
        yield path, _wrong_choice(path, written[key], choice, document)
    else:
        yield path, _missing(path, choice, None, document)
    for name in written:
        if name not in keys:
            yield (
                (*spot.path, name),
                _unknown(Spot((*spot.path, name), (), some, spot.found), keys, document),
            )


def _wrong_value(spot: Spot, errors: list[ErrorDetails], document: Document) -> Problem:
    value = _value_at(document, spot.path)
    limits = [error["type"] for error in errors if error["type"] in _OUT_OF_RANGE]
    if limits:
        return _out_of_range(spot, _OUT_OF_RANGE[limits[0]], value, document)
    return _wrong_choice(spot.path, value, spot.found, document)


def _out_of_range(spot: Spot, message: str, value: Any, document: Document) -> Problem:
    return problem_at(
        "CFG105",
        message,
        spot.path,
        document,
        value=value,
        allowed=allowed(spot.found),
        suggestion=_valid_name(value) if spot.path == ("name",) else None,
        hint=_memory(spot.path, value, document),
    )


def _valid_name(value: Any) -> str | None:
    """`My run (2)` -> `My-run-2`"""
    name = re.sub(r"[^A-Za-z0-9._]+", "-", str(value)).strip("-._")[:64]
    return name or None


def _memory(path: KeyPath, value: Any, document: Document) -> str | None:
    """What a layer of an impossible size would take: gates * H * H float32 weights."""
    if path[:2] != ("model", "hidden_sizes") or not isinstance(value, int) or value <= 65_536:
        return None
    model = document.tree.get("model")
    cell = model.get("cell", "lstm") if isinstance(model, dict) else "lstm"
    gates = {"rnn": 1, "gru": 3}.get(cell, 4) if isinstance(cell, str) else 4
    gib = 4 * gates * min(value, 10**15) ** 2 / 2**30
    return f"its recurrent weights alone would need about {gib:,.0f} GiB"


def _wrong_choice(
    path: KeyPath, value: Any, found: tuple[Kind, ...], document: Document
) -> Problem:
    choices = [str(choice) for kind in found for choice in kind.choices]
    if isinstance(value, str) and choices:
        code, message = "CFG104", "unknown value"
        suggestion = _nearest_value(path, value, choices)
    else:
        code, suggestion = "CFG103", None
        message = f"expected {expected(found)}, not {kind_of_value(value)}"
    return problem_at(
        code,
        message,
        path,
        document,
        value=value,
        allowed=allowed(found),
        suggestion=suggestion,
        hint=hint_for(dotted(path), value, found),
    )


def _nearest_value(path: KeyPath, value: str, choices: list[str]) -> str | None:
    foreign = FOREIGN_VALUES.get(dotted(path), {}).get(value.lower())
    return foreign or nearest(value, choices)


def _value_at(document: Document, path: KeyPath) -> Any:
    value: Any = document.tree
    for part in path:
        value = value[part]
    return list(value) if isinstance(value, tuple) else value


def _without_echoes(found: list[tuple[KeyPath, Problem]]) -> list[tuple[KeyPath, Problem]]:
    """Leave out a missing key whose misspelling is reported already."""
    meant = {
        (*path[:-1], problem.suggestion) for path, problem in found if problem.code == "CFG102"
    }
    return [
        (path, problem) for path, problem in found if problem.code != "CFG101" or path not in meant
    ]
