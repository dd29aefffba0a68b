"""The string under a field of the schema, read from the source only when somebody asks."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Annotated, get_args

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "FilePath",
    "Fraction",
    "Positive",
    "Probability",
    "Section",
    "Size",
    "field_docs",
    "file_keys",
]


# The base of every section: strict types, finite numbers, no unknown key, frozen.

_NAMES_A_FILE = object()


class Section(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
    )


FilePath = Annotated[str, _NAMES_A_FILE]
"""a file or folder, relative to the config that names it, or one of the registry"""
Size = Annotated[int, Field(ge=1, le=65536)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Probability = Annotated[float, Field(ge=0, lt=1)]


def file_keys(section: Section) -> Iterator[str]:
    """The dotted keys, within a section, at which it names a file."""
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from (f"{name}.{key}" for key in file_keys(value))
            continue
        optional = (getattr(part, "__metadata__", ()) for part in get_args(field.annotation))
        if value is not None and any(_NAMES_A_FILE in m for m in (field.metadata, *optional)):
            yield name


# The string under a field of the schema, read from the source only when somebody asks.
#
# pydantic can read them too, but does so for every class at every start, which costs `validate` a
# tenth of its time.


@cache
def field_docs(section: type[BaseModel]) -> dict[str, str]:
    """Field -> what it means, for every field of a section, inherited ones included."""
    docs: dict[str, str] = {}
    for cls in reversed(section.__mro__):
        if cls.__module__.startswith("rnnexp."):
            docs |= _docs_in_module(cls.__module__).get(cls.__name__, {})
    return docs


@cache
def _docs_in_module(name: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    return {node.name: _docs_in_class(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _docs_in_class(node: ast.ClassDef) -> dict[str, str]:
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in pairwise(node.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }
