"""`base: other.yaml`: a config that starts from another one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rnnexp.config.config import KeyPath
from rnnexp.config.yaml_reading import Mapping, Node, Sequence, compose, read_config
from rnnexp.errors import CommandError, ConfigError, Position, Problem

__all__ = ["MAX_BASES", "Document", "Written", "load_document", "load_value", "load_with_bases"]


# YAML text -> plain values, and where in the user's files each of them was written.


@dataclass(frozen=True)
class Written:
    """Where a value and its key stand; `typed` is the whole argument, on the command line."""

    value: Position
    key: Position
    typed: str | None = None


@dataclass
class Document:
    """A config as plain values: dict, tuple, str, int, float, bool, None.

    places: key path -> where it was written; the whole document is at ().
    problems: what is wrong already; the values may still be checked.
    removed: what was taken out again on the command line.
    """

    tree: dict[str, Any]
    places: dict[KeyPath, Written]
    problems: list[Problem] = field(default_factory=list)
    removed: dict[KeyPath, Written] = field(default_factory=dict)

    def place(self, path: KeyPath) -> Written:
        """The place of a key, or of the nearest section around it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def places_under(self, path: KeyPath) -> dict[KeyPath, Written]:
        """The places of a key and of everything inside its value."""
        return {at: place for at, place in self.places.items() if at[: len(path)] == path}

    def section(self, name: str) -> Document:
        """What stands at a key at the top, as a document of its own."""
        within = {at[1:]: place for at, place in self.places.items() if at[:1] == (name,)}
        return Document(self.tree[name], within, self.problems)

    def forget(self, path: KeyPath) -> None:
        """Forget the places of a key and of everything inside its value."""
        for at in self.places_under(path):
            del self.places[at]


def load_document(text: str, source: str) -> Document:
    """The mapping that `text` holds; raises ConfigError and UnsafeError.

    Duplicate keys and keys that are not text are noted as problems of the document.
    """
    start = Position(source, 1, 1)
    root = compose(text, source)
    if root is None or (root.value is None and not isinstance(root, Sequence)):
        return Document({}, {(): Written(start, start)}, [_empty(start)])
    if not isinstance(root, Mapping):
        kind = "a list" if isinstance(root, Sequence) else "a single value"
        raise ConfigError(
            f"must be a mapping of keys to values, not {kind}",
            code="CFG029",
            position=start,
            hint="begin with `name: ...`",
        )
    builder = _Builder()
    tree = builder.build(root, ())
    return Document(tree, builder.places | {(): Written(start, start)}, builder.problems)


def load_value(text: str, source: str) -> tuple[Any, dict[KeyPath, Written]]:
    """A value of any kind, and the places inside it; raises ConfigError and UnsafeError."""
    root = compose(text, source)
    if root is None:
        raise ConfigError("no value", position=Position(source, 1, 1))
    builder = _Builder()
    value = builder.build(root, ())
    if builder.problems:
        raise ConfigError(builder.problems)
    return value, builder.places


def _empty(start: Position) -> Problem:
    return Problem(
        "CFG028",
        "the file is empty",
        start,
        allowed="name, data, task, model, training",
        hint="`rnnexp configs cp quickstart` copies one to start from",
    )


class _Builder:
    def __init__(self) -> None:
        self.places: dict[KeyPath, Written] = {}
        self.problems: list[Problem] = []

    def build(self, node: Node, path: KeyPath) -> Any:
        if isinstance(node, Mapping):
            return self._mapping(node, path)
        if isinstance(node, Sequence):
            return tuple(self._entry(item, (*path, n)) for n, item in enumerate(node.items))
        return node.value

    def _entry(self, item: Node, path: KeyPath) -> Any:
        self.places[path] = Written(item.position, item.position)
        return self.build(item, path)

    def _mapping(self, node: Mapping, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.pairs():
            name = key.value
            if isinstance(key, Sequence) or not isinstance(name, str):
                self.problems.append(_not_text(key, path))
            elif name in values:
                first = self.places[(*path, name)].key
                self.problems.append(_duplicate(key, (*path, name), first))
            else:
                self.places[(*path, name)] = Written(value.position, key.position)
                values[name] = self.build(value, (*path, name))
        return values


def _not_text(key: Node, path: KeyPath) -> Problem:
    return Problem(
        "CFG030",
        "a key must be text",
        key.position,
        key=".".join(map(str, path)) or None,
        value=None if isinstance(key, Sequence) else key.value,
    )


def _duplicate(key: Node, path: KeyPath, first: Position) -> Problem:
    return Problem(
        "CFG025",
        f"given twice, on lines {first.line} and {key.position.line}",
        key.position,
        key=".".join(map(str, path)),
        hint="keep one of the two",
    )


# `base: other.yaml`: a config that starts from another one.
#
# Sections merge key by key. A section whose kind changes (another `source`, `kind` or `name`, or
# `full` where BPTT was truncated) is replaced whole, since the keys of the old kind mean nothing
# to the new one. `null` unsets a key.

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
