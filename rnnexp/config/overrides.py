"""Settings from the command line: `a.b=c` sets a key, `~a.b` removes it.

A value follows the same YAML rules as in a file; `a.b=[1, 2]` and `a.b={c: 1}` work, too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from yaml.reader import Reader

from rnnexp.config.config import KeyPath
from rnnexp.config.document import Document, Written, load_value
from rnnexp.errors import CommandError, ConfigError, Position, Problem, UnsafeError

__all__ = ["COMMAND_LINE", "apply_overrides", "caret"]

COMMAND_LINE = "command line, override "


def apply_overrides(document: Document, overrides: Sequence[str]) -> None:
    """Write the overrides into the document, first to last.

    Raises CommandError for every override that cannot be read or applied, UnsafeError for tags and
    aliases that do harm. Whether the keys and values suit the schema is checked afterwards.
    """
    problems: list[Problem] = []
    for number, typed in enumerate(overrides, start=1):
        try:
            _apply(document, _Override.parse(number, typed))
        except (CommandError, ConfigError) as error:
            problems += [replace(problem, exit=2) for problem in error.problems]
    if problems:
        raise CommandError(problems)


def caret(typed: str, column: int, whole_value: bool) -> str | None:
    """The argument as typed, and under it carets: below one name of the key, or the whole value."""
    if len(typed) > 70 or not typed.isprintable():
        return None
    start = column - 1
    width = len(typed) - start if whole_value else len(re.split(r"[.=:,}\]]", typed[start:])[0])
    return f"{typed}\n{' ' * start}{'^' * max(width, 1)}"


@dataclass(frozen=True)
class _Override:
    number: int
    typed: str
    names: tuple[str, ...]
    removes: bool

    @classmethod
    def parse(cls, number: int, typed: str) -> _Override:
        removes = typed.startswith("~")
        key, equals, _ = typed.removeprefix("~").partition("=")
        override = cls(number, typed, tuple(key.split(".")), removes)
        if control := Reader.NON_PRINTABLE.search(typed):
            raise override.error(f"control character U+{ord(control[0]):04X}", control.start() + 1)
        if removes and equals:
            raise override.error("`~` removes a key and takes no value", typed.index("=") + 1)
        if not removes and not equals:
            raise override.error("not an override", 1, hint="write key=value, or ~key to remove it")
        if override.names[0] == "base":
            raise override.error("a base is named in the file alone", 1 + removes)
        if not all(override.names):
            raise override.error("a name is empty in the key", 1, hint="write section.key=value")
        return override

    @property
    def key(self) -> str:
        return ".".join(self.names)

    def position(self, column: int) -> Position:
        return Position(f"{COMMAND_LINE}{self.number}", column=column)

    def column(self, depth: int) -> int:
        """Where the name at `depth` of the key begins."""
        return 1 + self.removes + sum(len(name) + 1 for name in self.names[:depth])

    def written(self, depth: int) -> Written:
        """The place of the section at `depth`, or of the value at the full depth."""
        column = self.column(depth)
        return Written(self.position(column), self.position(self.column(depth - 1)), self.typed)

    def error(self, message: str, column: int, hint: str | None = None) -> CommandError:
        shown = caret(self.typed, column, whole_value=True)
        return CommandError(
            message,
            code="CMD020",
            key=self.key or None,
            position=self.position(column),
            hint="\n".join(part for part in (shown, hint) if part) or None,
        )

    def value(self) -> tuple[Any, dict[KeyPath, Written]]:
        """The value, and the places of what stands inside it."""
        text = self.typed.partition("=")[2]
        self._refuse_commas(text)
        try:
            value, inner = load_value(text, "")
        except ConfigError as error:
            problem = error.problems[0]
            raise self.error(
                problem.message, self._inside(problem.position), problem.hint
            ) from None
        except UnsafeError as error:
            problem = error.problems[0]
            position = self.position(self._inside(problem.position))
            raise UnsafeError(replace(problem, position=position, key=self.key)) from None
        return value, {path: self._shifted(place) for path, place in inner.items()}

    def _inside(self, position: Position | None) -> int:
        """The column in the argument of a place in its value."""
        column = position.column if position else None
        return self.column(len(self.names)) + (column or 1) - 1

    def _refuse_commas(self, text: str) -> None:
        if not text.strip():
            hint = f"write {self.key}=null for nothing, ~{self.key} to remove the key"
            raise self.error("no value", len(self.typed), hint)
        if "," in text and text.lstrip()[0] not in "[{\"'!&*|>":
            hint = (
                f"for a list write {self.key}=[{text}]; to run one experiment for each value use "
                f"`rnnexp sweep`; for a text with commas quote it: {self.key}=\"'{text}'\""
            )
            raise self.error("several values", self.column(len(self.names)), hint)

    def _shifted(self, place: Written) -> Written:
        begin = self.column(len(self.names)) - 1
        value, key = (
            self.position(begin + (position.column or 1)) for position in (place.value, place.key)
        )
        return Written(value, key, self.typed)


def _apply(document: Document, override: _Override) -> None:
    if override.removes:
        return _remove(document, override)
    value, inner = override.value()
    section = _section(document, override)
    path = override.names
    if (place := document.places.get(path)) and place.typed is not None:
        raise override.error(f"already set by {place.key.file}", 1)
    _keep_earlier(document, override)
    document.forget(path)
    section[path[-1]] = value
    document.places[path] = override.written(len(path))
    document.places |= {(*path, *below): place for below, place in inner.items()}
    return None


def _keep_earlier(document: Document, override: _Override) -> None:
    """Raises CommandError where an override would undo, unsaid, what an earlier one set."""
    for path in document.places_under(override.names):
        place = document.places[path]
        if place.typed is not None:
            raise override.error(f"would undo {place.key.file} ({place.typed})", 1)


def _section(document: Document, override: _Override) -> dict[str, Any]:
    """The section that holds the key; made where there is none, in place of a plain value."""
    section = document.tree
    for depth, name in enumerate(override.names[:-1], start=1):
        path = override.names[:depth]
        if isinstance(section.get(name), tuple):
            hint = f"write the whole list: {'.'.join(path)}=[...]"
            raise override.error(f"{'.'.join(path)} is a list", override.column(depth - 1), hint)
        if not isinstance(section.get(name), dict):
            document.forget(path)
            section[name] = {}
            document.places[path] = override.written(depth)
        section = section[name]
    return section


def _remove(document: Document, override: _Override) -> None:
    section: Any = document.tree
    for name in override.names[:-1]:
        section = section.get(name) if isinstance(section, dict) else None
    if not isinstance(section, dict) or override.names[-1] not in section:
        present = ", ".join(section) if isinstance(section, dict) else None
        error = override.error("nothing to remove: the config does not set this key", 2)
        raise CommandError(replace(error.problems[0], allowed=present))
    _keep_earlier(document, override)
    del section[override.names[-1]]
    document.forget(override.names)
    document.removed[override.names] = override.written(len(override.names))
