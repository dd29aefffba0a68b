"""YAML text -> plain values, and where in the user's files each of them was written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rnnexp.config.config import KeyPath
from rnnexp.config.yaml_tree import Mapping, Node, Sequence, compose
from rnnexp.errors import ConfigError, Position, Problem

__all__ = ["Document", "Written", "load_document", "load_value"]


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
