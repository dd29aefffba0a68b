"""How to repair a value of the wrong kind: one small rule a way of getting it wrong."""

from __future__ import annotations

import operator
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rnnexp.config.yaml_reading import LongNumberError, Scalar, resolve

__all__ = [
    "Kind",
    "allowed",
    "discriminator",
    "expected",
    "hint_for",
    "kind_of_value",
    "kinds_of_field",
    "sections",
    "yaml_scalar",
]


# What the schema accepts at a place, in plain words.
#
# Read from the types of the schema, so that messages and the reference page cannot drift from it.

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


# How to repair a value of the wrong kind: one small rule a way of getting it wrong.

Kinds = tuple[Kind, ...]


def hint_for(key: str, value: Any, found: Kinds) -> str | None:
    """A way to repair `value` at `key`, where one of `found` is expected; or None."""
    for rule in _RULES:
        if hint := rule(key, value, found):
            return hint
    return None


def _takes(found: Kinds, *names: str) -> bool:
    return any(kind.name in names for kind in found)


def _takes_number(found: Kinds) -> bool:
    return _takes(found, "a number", "a whole number")


def _quoted(key: str, value: Any, found: Kinds) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        plain = resolve(value.strip())
    except LongNumberError:
        return None
    fits = _takes(found, "true or false") if isinstance(plain, bool) else _takes_number(found)
    if isinstance(plain, str) or plain is None or not fits:
        return None
    return f"unquote it: write {value.strip()}"


def _yes_no(key: str, value: Any, found: Kinds) -> str | None:
    if not isinstance(value, str) or not _takes(found, "true or false"):
        return None
    meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(value.lower())
    return f"write {meant}; in YAML 1.2 {value} is text" if meant else None


def _separators(key: str, value: Any, found: Kinds) -> str | None:
    if not isinstance(value, str) or not _takes_number(found):
        return None
    if re.fullmatch(r"[-+]?[0-9]{1,3}(?:[_,' ][0-9]{3})+|[0-9]+(?:_[0-9]+)+", value):
        return f"write {re.sub(r'[^0-9+-]', '', value)}, without separators"
    if decimal := re.fullmatch(r"([-+]?[0-9]+),([0-9]+)", value):
        return f"write {decimal[1]}.{decimal[2]}, with a point"
    if percent := re.fullmatch(r"([0-9]{1,10}(?:\.[0-9]{1,10})?) ?%", value):
        return f"write {float(percent[1]) / 100:g}"
    return None


def _integral(key: str, value: Any, found: Kinds) -> str | None:
    if not isinstance(value, float) or not _takes(found, "a whole number"):
        return None
    return f"write {int(value)}" if value.is_integer() and abs(value) < 1e15 else None


def _one_entry(key: str, value: Any, found: Kinds) -> str | None:
    lists = [kind for kind in found if kind.items]
    if lists and isinstance(value, str) and re.fullmatch(r"[0-9.]+(?:[ ,]+[0-9.]+)+", value):
        return f"write a list: [{', '.join(re.split(r'[ ,]+', value))}]"
    if not lists or isinstance(value, dict | list) or value is None:
        return None
    wanted = {"a whole number": int, "a number": float, "text": str, "true or false": bool}
    if type(value) is not wanted.get(lists[0].items[0].name):
        return None
    assert isinstance(value, str | int | float)
    return f"write a list: [{yaml_scalar(value)}]" if _within(value, lists[0].items[0]) else None


def _within(value: str | float, kind: Kind) -> bool:
    """Whether a number keeps to the bounds, so that the hint does not lead to the next error."""
    if isinstance(value, str | bool):
        return True
    tests = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}
    return all(tests[name](value, limit) for name, limit in kind.limits.items() if name in tests)


def _tag_alone(key: str, value: Any, found: Kinds) -> str | None:
    """`optimizer: adam` for `optimizer: {name: adam}`."""
    if not isinstance(value, str) or value.lower() not in sections(found):
        return None
    value = value.lower()
    discriminator = next(
        k for k in ("source", "kind", "name") if k in sections(found)[value].model_fields
    )
    return f"write {_last(key)}: {{{discriminator}: {value}}}"


def _number_for_section(key: str, value: Any, found: Kinds) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return None
    written = yaml_scalar(value)
    return {
        "training.clip": f"write clip: {{norm: {written}}}",
        "training.bptt": f"write bptt: {{k1: {written}, k2: {written}}}",
        "training.early_stopping": f"write early_stopping: {{patience: {written}}}",
        "data.split": "write split: {train: 0.7, val: 0.15, test: 0.15}",
    }.get(key)


def _path_for_section(key: str, value: Any, found: Kinds) -> str | None:
    """`pretrained: vectors.txt` for `pretrained: {path: vectors.txt}`."""
    if key != "model.pretrained" or not isinstance(value, str):
        return None
    return f"write pretrained: {{path: {value}}}"


def _null(key: str, value: Any, found: Kinds) -> str | None:
    if value is not None:
        return None
    if _takes(found, "a section"):
        return "nothing stands below it: write its keys, indented"
    return "write a value, or leave the key out where it has a default"


def _text_expected(key: str, value: Any, found: Kinds) -> str | None:
    if kind_of_value(value) not in ("a float", "a whole number", "a boolean"):
        return None
    return f'quote it: "{yaml_scalar(value)}"' if _takes(found, "text") else None


def _switch(key: str, value: Any, found: Kinds) -> str | None:
    """`clip: false` for `clip: null`."""
    if value is False and _takes(found, "null"):
        return "write null to switch it off"
    on = {
        "training.early_stopping": "{patience: 5}",
        "training.clip": "{norm: 1.0}",
        "model.characters": "{hidden_size: 64}",
    }
    return f"write {_last(key)}: {on[key]}" if value is True and key in on else None


def _last(key: str) -> str:
    return key.rpartition(".")[2]


_RULES: tuple[Callable[[str, Any, Kinds], str | None], ...] = (
    _quoted,
    _yes_no,
    _separators,
    _integral,
    _one_entry,
    _tag_alone,
    _number_for_section,
    _path_for_section,
    _null,
    _switch,
    _text_expected,
)
