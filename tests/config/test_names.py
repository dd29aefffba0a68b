"""Nearest names, and other tools' names for our settings."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from rnnexp.config.schema import Experiment
from rnnexp.config.unknown_keys import FOREIGN_KEYS, FOREIGN_VALUES, homes
from rnnexp.config.value_hints import kinds_of_field
from rnnexp.errors import nearest, snake_case

PATHS = {path for paths in homes().values() for path in paths} | {"base"}


def test_foreign_keys_lead_to_keys_that_exist() -> None:
    assert set(FOREIGN_KEYS.values()) <= PATHS
    assert all(snake_case(name) == name for name in FOREIGN_KEYS)


def choices(sections: list[type[BaseModel]], path: str) -> set[str]:
    """The values that are allowed at a dotted path, for any kind of the sections on the way."""
    name, _, rest = path.partition(".")
    fields = [section.model_fields[name] for section in sections if name in section.model_fields]
    found = [kind for field in fields for kind in kinds_of_field(field)]
    if rest:
        return choices([kind.section for kind in found if kind.section], rest)
    tags = {tag for field in fields for tag in get_args(field.annotation)}
    return {str(choice) for kind in found for choice in kind.choices} | set(map(str, tags))


def test_foreign_values_lead_to_values_that_exist() -> None:
    for path, values in FOREIGN_VALUES.items():
        assert set(values.values()) <= choices([Experiment], path), path


@pytest.mark.parametrize(
    ("name", "best"),
    [
        ("windw", "window"),
        ("WINDOW", "window"),
        ("window-size", "window"),
        ("zzz", None),
        ("", None),
    ],
)
def test_nearest(name: str, best: str | None) -> None:
    assert nearest(name, ["window", "horizon"]) == best


@given(st.text(), st.lists(st.text(max_size=5), max_size=4))
def test_the_nearest_is_one_of_them(name: str, names: list[str]) -> None:
    assert nearest(name, names) in (None, *names)
