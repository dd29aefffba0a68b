"""The JSON Schema agrees with the loader on good and on bad configs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from rnnexp.config.document import load_document
from rnnexp.config.gallery import Entry, experiments
from rnnexp.config.reference import json_schema
from rnnexp.config.unknown_keys import homes

SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def errors(text: str) -> list[Any]:
    tree = json.loads(json.dumps(load_document(text, "exp.yaml").tree))
    return list(VALIDATOR.iter_errors(tree))


def test_is_a_schema_that_editors_know() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"]
    assert list(SCHEMA["properties"]) == [
        "base",
        "name",
        "seed",
        "data",
        "task",
        "model",
        "training",
    ]


def test_examples_are_valid(example: str) -> None:
    assert errors(example) == []


@pytest.mark.parametrize("entry", experiments(), ids=lambda entry: entry.name)
def test_the_gallery_is_valid(entry: Entry) -> None:
    assert errors(Path(entry.path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "override",
    ["sed: 1", "seed: -1", "seed: '7'", "model: {hidden_sizes: []}", "model: {cell: lstmm}",
     "model: {lr: 1}", "training: {clip: 1}", "training: {optimizer: {name: adam, lr: 0}}",
     "training: {optimizer: {name: adam, betas: [0.9]}}", "name: a/b", "training: {bptt: {k1: 3}}",
     "training: {bptt: {full: false, checkpoint_every: 3}}"],
)  # fmt: skip
def test_bad_configs_are_not(override: str) -> None:
    good = "data: {source: sunspots}\ntask: {kind: many_to_one}\n"
    name = "" if override.startswith("name") else "name: x\n"
    assert errors(f"{name}{good}") == [] if name else True
    assert errors(f"{name}{good}{override}\n")


def test_a_config_with_a_base_may_leave_out_sections() -> None:
    assert errors("base: other.yaml\nseed: 3\n") == []
    assert errors("seed: 3\n")


def test_every_key_is_described() -> None:
    sections = [SCHEMA, *SCHEMA["$defs"].values()]
    for section in sections:
        for name, field in section.get("properties", {}).items():
            assert "description" in field, name
    assert {name for section in sections for name in section["properties"]} == {"base", *homes()}
