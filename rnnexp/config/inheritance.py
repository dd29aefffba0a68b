"""`base: other.yaml`: a config that starts from another one.

Sections merge key by key. A section whose kind changes (another `source`, `kind` or `name`, or
`full` where BPTT was truncated) is replaced whole, since the keys of the old kind mean nothing to
the new one. `null` unsets a key.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnexp.config.config import KeyPath
from rnnexp.config.document import Document, load_document
from rnnexp.config.yaml_file import read_config
from rnnexp.errors import CommandError, ConfigError, Problem

__all__ = ["MAX_BASES", "load_with_bases"]

MAX_BASES = 8

_DISCRIMINATORS = ("source", "kind", "name", "full")


def load_with_bases(path: Path, text: str, heirs: tuple[Path, ...] = ()) -> Document:
    """The document in `text`, the content of `path`, merged over its bases.

    heirs: the configs that led here, first to last.
    Raises ConfigError for a base that is missing, names itself, or lies more than `MAX_BASES` deep,
    and for a sweep.
    """
    document = load_document(text, str(path))
    if "space" in document.tree:
        raise ConfigError(
            "this is a sweep, not a single experiment",
            code="CFG033",
            position=document.places["space",].key,
            key="space",
            hint=f"rnnexp sweep {path}",
        )
    if "base" not in document.tree:
        return document
    named = document.tree.pop("base")
    try:
        base = _base_file(path, named, (*heirs, path))
        inherited = load_with_bases(base, _read(base, Path(named)), (*heirs, path))
    except _BaseError as error:
        place = document.places[("base",)].value
        raise ConfigError(replace(error.problem, position=place, key="base", value=named)) from None
    return _merged(inherited, document)


class _BaseError(Exception):
    def __init__(self, message: str, **fields: Any) -> None:
        self.problem = Problem("CFG032", message, **fields)


def _base_file(path: Path, named: Any, chain: tuple[Path, ...]) -> Path:
    if not isinstance(named, str) or not named:
        raise _BaseError("expected the name of another config file")
    base = path.parent / named
    if base.resolve() in [heir.resolve() for heir in chain]:
        steps = " -> ".join(str(step) for step in (*chain, base))
        raise _BaseError(f"a config cannot inherit from itself: {steps}")
    if len(chain) > MAX_BASES:
        raise _BaseError(f"more than {MAX_BASES} configs inherit from each other")
    return base


def _read(base: Path, named: Path) -> str:
    try:
        return read_config(base)
    except CommandError as error:
        problem = error.problems[0]
        near = problem.suggestion and str(named.parent / Path(problem.suggestion).name)
        raise _BaseError(problem.message, suggestion=near, allowed=problem.allowed) from None


def _merged(base: Document, heir: Document) -> Document:
    _merge(base, heir, base.tree, heir.tree, ())
    base.places[()] = heir.places[()]
    base.problems += heir.problems
    return base


def _merge(
    base: Document, heir: Document, under: dict[str, Any], over: dict[str, Any], path: KeyPath
) -> None:
    for name, value in over.items():
        below = (*path, name)
        old = under.get(name)
        if isinstance(old, dict) and isinstance(value, dict) and _same_kind(old, value):
            base.places[below] = heir.places[below]
            _merge(base, heir, old, value, below)
            continue
        base.forget(below)
        if value is None and name in under:
            del under[name]
            continue
        under[name] = value
        base.places |= heir.places_under(below)


def _same_kind(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return all(new[key] == old.get(key) for key in _DISCRIMINATORS if key in new)
