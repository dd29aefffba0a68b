"""The JSON Schema of a config, for editors and other tools (draft 2020-12)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rnnexp.config.schema import Experiment
from rnnexp.config.section import Section, field_docs
from rnnexp.config.value_hints import Kind, allowed, kinds_of_field, sections, yaml_scalar

__all__ = ["json_schema", "reference"]


# The reference page `docs/config.md`, generated from the schema.

_SMALL = 3
"""a section of so few keys shows all of its defaults in one cell"""

_INTRODUCTION = """\
# Config reference

One YAML file is one experiment. This page is generated from the schema (`make docs`).

- Scalars follow YAML 1.2: `1e-3` is a number, `no` and `on` are text.
- Types are strict: `64.0` and `"64"` are not whole numbers. Numbers are finite.
- An unknown key, a key that has no effect, and two keys that contradict each other are errors.
- File paths are relative to the config that names them.
- `base: other.yaml` starts from another config, relative to this one: sections merge key by key, a
  section that changes its `source`, `kind` or `name` is replaced, and `null` unsets a key.
- On the command line `a.b=c` sets a key and `~a.b` removes one; `a.b=[1, 2]` is a list.
- Tags, merge keys, several documents and environment variables are not supported.
- `rnnexp validate CONFIG` checks all of it at once; `rnnexp schema` is for editors.
"""


def reference() -> str:
    """The page as Markdown: one table for each section of the config."""
    return "\n".join([_INTRODUCTION, *_section("", Experiment)])


def _section(path: str, section: type[BaseModel], tag: str = "") -> Iterator[str]:
    title = f"`{path}:`" if path else "Top level"
    yield f"## {title}{f' with `{tag}`' if tag else ''}\n"
    if section.__doc__:  # its own: `inspect.getdoc` would fall back on pydantic's
        yield f"{' '.join(section.__doc__.split())}\n"
    yield "| key | default | accepts | meaning |"
    yield "|---|---|---|---|"
    for name, info in section.model_fields.items():
        yield _row(name, info, field_docs(section).get(name, ""))
    yield ""
    for name, info in section.model_fields.items():
        yield from _below(f"{path}.{name}".removeprefix("."), kinds_of_field(info))


def _below(path: str, found: tuple[Kind, ...]) -> Iterator[str]:
    """The sections that a key may hold; `split`, the same for every source, once."""
    tagged = {section: tag for tag, section in sections(found).items()}
    for kind in found:
        if kind.section is not None and (path != "data.split"):
            tag = tagged.get(kind.section)
            key = next(
                (k for k in ("source", "kind", "name") if tag and k in kind.section.model_fields),
                "",
            )
            alone = tag or len([each for each in found if each.section]) == 1
            title = (
                f"{key}: {tag}" if tag else "" if alone else next(iter(kind.section.model_fields))
            )
            yield from _section(path, kind.section, title)


def _row(name: str, info: FieldInfo, meaning: str) -> str:
    accepts = allowed(kinds_of_field(info))
    cells = (f"`{name}`", _default(info), accepts, " ".join(meaning.split()))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    if isinstance(info.default, BaseModel) and len(type(info.default).model_fields) > _SMALL:
        return f"`{_yaml(info.default)}`" if info.default.model_fields_set else "the defaults below"
    return f"`{_yaml(info.default)}`"


def _yaml(value: Any) -> str:
    if isinstance(value, BaseModel):
        small = len(type(value).model_fields) <= _SMALL
        return _yaml(value.model_dump(include=None if small else value.model_fields_set))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_yaml, value))}]"
    return yaml_scalar(value)


if __name__ == "__main__":
    sys.stdout.write(reference())


# The JSON Schema of a config, for editors and other tools (draft 2020-12).

_BASE = {
    "type": "string",
    "description": "another config to start from, relative to this one; what is written here wins",
}


def json_schema() -> dict[str, Any]:
    """What an editor needs to complete and check a config.

    A config with a `base` may leave out the required sections. Rules across fields are checked by
    `rnnexp validate` alone.
    """
    schema = _listed(Experiment.model_json_schema())
    for section in _sections(Section):
        own = schema if section is Experiment else schema["$defs"].get(section.__name__, {})
        for name, text in field_docs(section).items() if own else ():
            own["properties"][name]["description"] = text
    required = schema.pop("required")
    properties = {"base": _BASE, **schema.pop("properties")}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "rnnexp experiment",
        "description": schema.pop("description"),
        "type": "object",
        "properties": properties,
        "anyOf": [{"required": required}, {"required": ["base"]}],
        **{key: value for key, value in schema.items() if key not in ("title", "type")},
    }


def _sections(base: type[Section]) -> Iterator[type[Section]]:
    for section in base.__subclasses__():
        yield section
        yield from _sections(section)


def _listed(schema: Any) -> Any:
    """Without the words that only OpenAPI knows."""
    if isinstance(schema, dict):
        known = {key: value for key, value in schema.items() if not _is_openapi(key, value)}
        return {key: _listed(value) for key, value in known.items()}
    return [_listed(item) for item in schema] if isinstance(schema, list) else schema


def _is_openapi(key: str, value: Any) -> bool:
    return key == "discriminator" and isinstance(value, dict) and "propertyName" in value
