"""The JSON Schema of a config, for editors and other tools (draft 2020-12)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rnnexp.config.field_docs import field_docs
from rnnexp.config.schema import Experiment
from rnnexp.config.schema.section import Section

__all__ = ["json_schema"]

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
