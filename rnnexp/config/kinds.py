"""What the schema accepts at a place, in plain words.

Read from the types of the schema, so that messages and the reference page cannot drift from it.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rnnexp.config.yaml_scalars import Scalar

__all__ = [
    "Kind",
    "allowed",
    "discriminator",
    "expected",
    "kind_of_value",
    "kinds",
    "kinds_of_field",
    "sections",
    "yaml_scalar",
]

_SCALARS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    type(None): "null",
}
_VALUES: dict[type, str] = {
    dict: "a section",
    list: "a list",
    tuple: "a list",
    bool: "a boolean",
    int: "a whole number",
    float: "a float",
    str: "text",
    type(None): "null",
}
_LIMITS = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")
_PLURALS = {"a whole number": "whole numbers", "a number": "numbers", "text": "texts"}


@dataclass(frozen=True)
class Kind:
    """One alternative at a place.

    name: `text`, `a whole number`, ..., `a list`, `a section`, or `a choice` (then `choices`).
    limits: bounds by pydantic's names (ge, gt, le, lt, min_length, max_length, pattern).
    """

    name: str
    limits: Mapping[str, Any] = field(default_factory=dict)
    choices: tuple[Scalar, ...] = ()
    items: tuple[Kind, ...] = ()
    section: type[BaseModel] | None = None

    @property
    def words(self) -> str:
        """`a whole number from 1 to 65,536`."""
        if self.choices:
            return ", ".join(map(yaml_scalar, self.choices))
        if self.items:
            return _list_words(self)
        if self.section:
            return f"a section with {', '.join(self.section.model_fields)}"
        return self.name + _limits(self.limits)

    @property
    def plural(self) -> str:
        return _PLURALS.get(self.name, self.name) + _limits(self.limits)


def kinds(annotation: Any, metadata: tuple[Any, ...] = ()) -> tuple[Kind, ...]:
    """The alternatives of a type annotation, in its order."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return kinds(inner, (*metadata, *_constraints(more)))
    if origin in (Union, types.UnionType):
        return tuple(kind for branch in get_args(annotation) for kind in kinds(branch))
    return (_kind(annotation, origin, metadata),)


def _kind(annotation: Any, origin: Any, metadata: tuple[Any, ...]) -> Kind:
    if origin is Literal:
        return Kind("a choice", choices=get_args(annotation))
    if origin is tuple:
        return _list_kind(get_args(annotation), metadata)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Kind("a section", section=annotation)
    return Kind(_SCALARS[annotation], _limits_of(metadata))


def _list_kind(arguments: tuple[Any, ...], metadata: tuple[Any, ...]) -> Kind:
    limits = _limits_of(metadata)
    if arguments[-1] is not Ellipsis:
        limits = {"min_length": len(arguments), "max_length": len(arguments)}
    return Kind("a list", limits, items=kinds(arguments[0]))


def _constraints(metadata: list[Any]) -> Iterator[Any]:
    for item in metadata:
        yield from item.metadata if isinstance(item, FieldInfo) else (item,)


def _limits_of(metadata: tuple[Any, ...]) -> dict[str, Any]:
    found = [(name, getattr(item, name, None)) for item in metadata for name in _LIMITS]
    return {name: value for name, value in found if value is not None}


def yaml_scalar(value: Scalar) -> str:
    """`true`, `null` and so on, as one writes them in YAML."""
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    return str(value)


def _limits(limits: Mapping[str, Any]) -> str:
    if pattern := limits.get("pattern"):
        return f" matching {pattern}"
    low, high = limits.get("ge"), limits.get("le")
    if low is not None and high is not None:
        return f" from {low:,} to {high:,}"
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    bounds = [f"{sign} {limits[name]:,}" for name, sign in signs.items() if name in limits]
    return f" {' and '.join(bounds)}" if bounds else ""


def _list_words(kind: Kind) -> str:
    low, high = kind.limits.get("min_length", 0), kind.limits.get("max_length")
    count = {(0, None): "", (1, None): "one or more "}.get((low, high), f"{low} to {high} ")
    count = f"{low} " if low == high else count
    return f"a list of {count}{' or '.join(item.plural for item in kind.items)}"


def kinds_of_field(info: FieldInfo) -> tuple[Kind, ...]:
    return kinds(info.annotation, tuple(info.metadata))


def allowed(found: tuple[Kind, ...]) -> str:
    """The alternatives with their limits: `auto, or a whole number from 1 to 1,024`."""
    return ", or ".join(_words(found))


def _words(found: tuple[Kind, ...]) -> list[str]:
    tagged = [kind for kind in found if kind.section and discriminator(found)]
    if len(tagged) > 1:
        key = discriminator(found)
        plain = [kind.words for kind in found if kind not in tagged]
        return [f"a section with {key}: {', '.join(sections(found))}", *plain]
    return [kind.words for kind in found]


def expected(found: tuple[Kind, ...]) -> str:
    """The alternatives without their limits: `auto or a whole number`."""
    return " or ".join(dict.fromkeys(_short(kind) for kind in found))


def _short(kind: Kind) -> str:
    return (
        f"one of {kind.words}"
        if len(kind.choices) > 1
        else kind.words
        if kind.choices
        else kind.name
    )


def discriminator(found: tuple[Kind, ...]) -> str | None:
    """The key that tells sections of a tagged union apart; None where there is one kind only."""
    classes = [kind.section for kind in found if kind.section]
    for key in ("source", "kind", "name"):
        if classes and all(_tag(section, key) for section in classes):
            return key
    return None


def sections(found: tuple[Kind, ...]) -> dict[str, type[BaseModel]]:
    """The sections of a tagged union by the value of their discriminator."""
    key = discriminator(found)
    if key is None:
        return {}
    return {str(_tag(kind.section, key)): kind.section for kind in found if kind.section}


def _tag(section: type[BaseModel], key: str) -> str | None:
    info = section.model_fields.get(key)
    if info is None or get_origin(info.annotation) is not Literal:
        return None
    return str(get_args(info.annotation)[0])


def kind_of_value(value: Any) -> str:
    """What a plain value is, in the words of the schema."""
    return _VALUES[type(value)]
