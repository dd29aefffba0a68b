"""The string under a field of the schema, read from the source only when somebody asks.

pydantic can read them too, but does so for every class at every start, which costs `validate` a
tenth of its time.
"""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise

from pydantic import BaseModel

__all__ = ["field_docs"]


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
