"""How to repair a value of the wrong kind: one small rule a way of getting it wrong."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from rnnexp.config.kinds import Kind, kind_of_value, sections, yaml_scalar
from rnnexp.config.yaml_scalars import LongNumberError, resolve

__all__ = ["hint_for"]

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
