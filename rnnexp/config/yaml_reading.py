"""YAML text -> a tree of nodes, bounded before anything is built from it."""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from rnnexp.errors import (
    CommandError,
    ConfigError,
    Position,
    Problem,
    RnnexpError,
    UnsafeError,
    nearest,
)

__all__ = [
    "LongNumberError",
    "Mapping",
    "Node",
    "Scalar",
    "Sequence",
    "compose",
    "decode",
    "read_config",
    "resolve",
]


# A config file's bytes -> text: regular files of bounded size, UTF-8, no control characters.

MAX_BYTES = 1024 * 1024


def read_config(path: Path) -> str:
    """The text of a config file.

    Raises CommandError where `path` names no regular file, ConfigError where it cannot be read.
    """
    try:
        return decode(_read(path), str(path))
    except FileNotFoundError:
        raise _missing(path) from None
    except (NotADirectoryError, ValueError) as error:
        raise CommandError(
            f"no such file ({error})", code="CMD010", position=Position(str(path))
        ) from None
    except PermissionError:
        raise _unreadable(path) from None
    except OSError as error:
        raise CommandError(
            f"cannot be read: {error.strerror}", code="CMD010", position=Position(str(path))
        ) from None


def _read(path: Path) -> bytes:
    # O_NONBLOCK: opening a FIFO must not wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise _directory(path)
        if not stat.S_ISREG(mode):
            raise CommandError(
                "is a device, pipe or socket; a config is a regular file",
                code="CMD012",
                position=Position(str(path)),
            )
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def decode(data: bytes, source: str) -> str:
    """Text of a YAML file, without a byte order mark; raises ConfigError."""
    if len(data) > MAX_BYTES:
        raise ConfigError(
            f"larger than {MAX_BYTES:,} bytes",
            code="CFG012",
            position=Position(source, 1, 1),
            hint="is this a data file? the config names it under data.path",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(data, error, source) from None
    if control := Reader.NON_PRINTABLE.search(text):
        raise ConfigError(
            f"control character U+{ord(control[0]):04X}",
            code="CFG013",
            position=_position(source, text[: control.start()]),
            hint='write it as an escape in double quotes, such as "\\e"',
        )
    return text


def _not_utf8(data: bytes, error: UnicodeDecodeError, source: str) -> ConfigError:
    before = data[: error.start].decode("utf-8-sig", errors="replace")
    return ConfigError(
        f"not UTF-8: byte 0x{data[error.start]:02x} at byte offset {error.start}",
        code="CFG011",
        position=_position(source, before),
        hint="save the file as UTF-8",
    )


def _position(source: str, before: str) -> Position:
    """The position that follows the text `before`."""
    return Position(source, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _missing(path: Path) -> CommandError:
    folder = path.parent
    siblings = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    best = nearest(path.name, siblings)
    return CommandError(
        f"no such file ({path.absolute()})",
        code="CMD010",
        position=Position(str(path)),
        suggestion=str(folder / best) if best else None,
        hint="`rnnexp configs ls` lists the configs that come with rnnexp",
    )


def _directory(path: Path) -> RnnexpError:
    files = sorted(p.name for p in path.iterdir() if p.suffix in (".yaml", ".yml"))
    return CommandError(
        "is a directory; name one config in it",
        code="CMD011",
        position=Position(str(path)),
        allowed=", ".join(files[:20]) or "(it holds no .yaml file)",
    )


def _unreadable(path: Path) -> ConfigError:
    return ConfigError(
        Problem(
            "CFG010",
            f"no permission to read it ({_ownership(path)})",
            Position(str(path)),
            hint=f"chmod u+r {path}",
        )
    )


def _ownership(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        return f"{error.strerror}"
    return f"owner {_user(status.st_uid)}, mode {stat.filemode(status.st_mode)}"


def _user(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


# Plain scalars by the rules of YAML 1.2's core schema.
#
# PyYAML follows YAML 1.1, where `1e-3` is text and `no` is false; both surprise in a config.

Scalar = str | int | float | bool | None

MAX_NUMBER_LENGTH = 100
"""no setting needs a longer number, and `int()` of a very long one is slow or refused"""

_CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"([-+]?)(?:\.inf|\.Inf|\.INF)")


class LongNumberError(ValueError):
    """A number of more than `MAX_NUMBER_LENGTH` characters."""


def resolve(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar; raises LongNumberError."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if not text.isascii() or text[0] not in "+-.0123456789":
        return text
    if infinity := _INFINITY.fullmatch(text):
        return -math.inf if infinity[1] == "-" else math.inf
    return _number(text)


def _number(text: str) -> Scalar:
    for pattern, convert in (
        (_INTEGER, int),
        (_OCTAL, lambda digits: int(digits, 8)),
        (_HEXADECIMAL, lambda digits: int(digits, 16)),
        (_FLOAT, float),
    ):
        if pattern.fullmatch(text):
            if len(text) > MAX_NUMBER_LENGTH:
                raise LongNumberError(f"a number of {len(text):,} characters")
            return convert(text)
    return text


# What PyYAML says about a text that is not YAML, in words that help the one who wrote it.

Mark = yaml.Mark

_BRACKETS = {"while parsing a flow sequence": "[", "while parsing a flow mapping": "{"}
_CLOSING = {"[": "]", "{": "}"}
_TOKENS = {
    "<stream end>": "the end of the file",
    "<block mapping start>": "a key",
    "<block sequence start>": "a list",
    "<block end>": "the end of the section",
    "<document start>": "'---'",
    "<scalar>": "text",
    "<anchor>": "an anchor",
    "<alias>": "an alias",
    "?": "a key",
}


def position_of(source: str, mark: Mark) -> Position:
    return Position(source, mark.line + 1, mark.column + 1)


def tag_error(source: str, mark: Mark, tag: str) -> UnsafeError:
    return UnsafeError(
        "tags are not allowed in a config: they can make a YAML library build objects",
        code="SAF010",
        position=position_of(source, mark),
        value=tag,
        hint="write plain values; quote a text that begins with '!'",
    )


def syntax_error(error: yaml.MarkedYAMLError, text: str, source: str) -> RnnexpError:
    """The error to raise for PyYAML's `error` about `text`."""
    fault = _Fault.of(error, text)
    if fault.problem.startswith("found undefined tag handle"):
        return tag_error(source, fault.mark, "!")
    for explain in (_tab, _bracket, _second_colon, _missing_colon, _quote, _start, _dedent):
        if found := explain(fault, source):
            return ConfigError(found)
    return ConfigError(
        f"not valid YAML: {fault.plain}",
        code="CFG020",
        position=position_of(source, fault.mark),
    )


class _Fault(NamedTuple):
    """PyYAML's complaint: what it was reading since `opened`, what it met at `mark`."""

    context: str
    opened: Mark | None
    problem: str
    mark: Mark
    lines: list[str]

    @classmethod
    def of(cls, error: yaml.MarkedYAMLError, text: str) -> _Fault:
        mark = error.problem_mark or error.context_mark
        assert mark is not None
        return cls(
            error.context or "", error.context_mark, error.problem or "", mark, text.split("\n")
        )

    @property
    def line(self) -> str:
        return self.lines[self.mark.line] if self.mark.line < len(self.lines) else ""

    @property
    def character(self) -> str:
        return self.line[self.mark.column : self.mark.column + 1]

    @property
    def plain(self) -> str:
        """PyYAML's problem with the names of its tokens in plain words."""
        problem = self.problem.replace("the node content", "a value")
        return re.sub(r"'(<[a-z ]+>|\?)'", lambda found: _TOKENS.get(found[1], found[1]), problem)


def _tab(fault: _Fault, source: str) -> Problem | None:
    if fault.character != "\t" or "cannot start any token" not in fault.problem:
        return None
    indents = not fault.line[: fault.mark.column].strip()
    return Problem(
        "CFG021",
        "tab used for indentation" if indents else "tab used between values",
        position_of(source, fault.mark),
        hint="YAML wants spaces; replace the tab",
    )


def _bracket(fault: _Fault, source: str) -> Problem | None:
    opening = _BRACKETS.get(fault.context)
    if opening is None or fault.opened is None:
        return None
    at = f": {fault.plain} at {position_of(source, fault.mark)}"
    return Problem(
        "CFG022",
        f"'{opening}' is not closed" + ("" if "<stream end>" in fault.problem else at),
        position_of(source, fault.opened),
        hint=f"close it with '{_CLOSING[opening]}', and separate entries with commas",
    )


def _second_colon(fault: _Fault, source: str) -> Problem | None:
    if fault.problem != "mapping values are not allowed here":
        return None
    position = position_of(source, fault.mark)
    before, after = fault.line[: fault.mark.column], fault.line[fault.mark.column :]
    if key := re.match(r"[\s-]*([^\s:#]+):\s+(.*)", before + " "):
        whole = f"{key[2].strip()}{after}".strip()
        return Problem(
            "CFG023",
            f"a second ': ' in the value of {key[1]!r}",
            position,
            hint=f'quote the value: {key[1]}: "{whole[:80]}"',
        )
    return Problem("CFG023", "a key where none can stand", position, hint=_line_above(fault))


def _line_above(fault: _Fault) -> str:
    above = next((n for n in range(fault.mark.line - 1, -1, -1) if fault.lines[n].strip()), None)
    if above is not None and ":" not in fault.lines[above]:
        return f"line {above + 1} has no ':' after its key"
    return "check the indentation: keys of one section stand in the same column"


def _missing_colon(fault: _Fault, source: str) -> Problem | None:
    if fault.problem != "could not find expected ':'" or fault.opened is None:
        return None
    return Problem(
        "CFG020",
        "no ':' after the key",
        position_of(source, fault.opened),
        hint="write 'key: value'",
    )


def _quote(fault: _Fault, source: str) -> Problem | None:
    if fault.problem != "found unexpected end of stream" or fault.opened is None:
        return None
    return Problem("CFG022", "the quote is not closed", position_of(source, fault.opened))


def _start(fault: _Fault, source: str) -> Problem | None:
    if "cannot start any token" not in fault.problem:
        return None
    return Problem(
        "CFG020",
        f"a plain value cannot begin with {fault.character!r}",
        position_of(source, fault.mark),
        hint="quote the value",
    )


def _dedent(fault: _Fault, source: str) -> Problem | None:
    if not fault.problem.startswith("expected <block end>") or fault.opened is None:
        return None
    if fault.mark.line == fault.opened.line or fault.line[: fault.mark.column].strip():
        message, hint = "more after the end of the value", "quote the whole value"
    else:
        message = f"does not line up with the section that begins on line {fault.opened.line + 1}"
        hint = "keys of one section stand in the same column"
    return Problem("CFG020", message, position_of(source, fault.mark), hint=hint)


# YAML text -> a tree of nodes, bounded before anything is built from it.
#
# PyYAML's pure-Python parser delivers events; everything that could do harm (tags, aliases that
# multiply, depth) is refused while they arrive, so that hostile text costs no more than its
# length.

MAX_DEPTH = 20
MAX_NODES = 10_000


@dataclass
class Node:
    """A scalar. `size` and `height` count what aliases below a node stand for, too."""

    position: Position
    value: Scalar = None
    size: int = 1
    height: int = 1


@dataclass
class Sequence(Node):
    items: list[Node] = field(default_factory=list)


@dataclass
class Mapping(Sequence):
    """`items` holds key, value, key, value, ..."""

    def pairs(self) -> Iterator[tuple[Node, Node]]:
        return zip(self.items[::2], self.items[1::2], strict=True)


def compose(text: str, source: str) -> Node | None:
    """The only document of `text`, or None where it holds nothing but comments.

    Raises ConfigError for what is not YAML, for nesting deeper than `MAX_DEPTH` and for a second
    document; UnsafeError for tags, self-referring aliases and more than `MAX_NODES` nodes.
    """
    composer = _Composer(source)
    try:
        for event in _events(text):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        raise syntax_error(error, text, source) from None
    return composer.root


class _EventReader(Reader, Scanner, Parser):
    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


def _events(text: str) -> Iterator[Event]:
    reader = _EventReader(text)
    while reader.check_event():
        event: Event = reader.get_event()  # type: ignore[no-untyped-call]
        yield event


def _mark(event: Event) -> Mark:
    """Where an event begins; every event of the parser has a mark."""
    mark = event.start_mark
    assert isinstance(mark, Mark)
    return mark


class _Composer:
    def __init__(self, source: str) -> None:
        self.source = source
        self.root: Node | None = None
        self.open: list[Sequence] = []
        self.anchors: dict[str, Node] = {}
        self.nodes = 0
        self.documents = 0

    def take(self, event: Event) -> None:
        if isinstance(event, AliasEvent):
            self._add(self._referred(event), _mark(event), alias=True)
        elif isinstance(event, ScalarEvent):
            self._add(self._named(event, self._scalar(event)), _mark(event))
        elif isinstance(event, CollectionStartEvent):
            self._begin(event)
        elif isinstance(event, CollectionEndEvent):
            self._finish()
        elif isinstance(event, DocumentStartEvent):
            self._document(event)

    def _document(self, event: DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            raise ConfigError(
                "a second document begins here; a config is one document",
                code="CFG024",
                position=position_of(self.source, _mark(event)),
                hint="put each experiment into its own file; `base: other.yaml` shares settings",
            )

    def _begin(self, event: CollectionStartEvent) -> None:
        kind = Mapping if isinstance(event, MappingStartEvent) else Sequence
        node = self._named(event, kind(position_of(self.source, _mark(event))))
        self._add(node, _mark(event))
        assert isinstance(node, Sequence)
        self.open.append(node)

    def _finish(self) -> None:
        node = self.open.pop()
        node.size = 1 + sum(item.size for item in node.items)
        node.height = 1 + max((item.height for item in node.items), default=0)

    def _add(self, node: Node, mark: Mark, alias: bool = False) -> None:
        self.nodes += node.size
        if self.nodes > MAX_NODES:
            what = "aliases expand to" if alias else "the file has"
            raise UnsafeError(
                f"{what} more than {MAX_NODES:,} nodes",
                code="SAF011",
                position=position_of(self.source, mark),
            )
        if len(self.open) + node.height > MAX_DEPTH:
            raise ConfigError(
                f"nested deeper than {MAX_DEPTH}",
                code="CFG026",
                position=position_of(self.source, mark),
            )
        if self.open:
            self.open[-1].items.append(node)
        else:
            self.root = node

    def _named(self, event: NodeEvent, node: Node) -> Node:
        """Refuse a tag; remember the anchor."""
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise tag_error(self.source, _mark(event), tag)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _referred(self, event: AliasEvent) -> Node:
        node = self.anchors.get(str(event.anchor))
        position = position_of(self.source, _mark(event))
        if node is None:
            raise ConfigError(
                f"no anchor is called {event.anchor!r}",
                code="CFG031",
                position=position,
                hint="quote a text that begins with '*'",
            )
        if any(node is ancestor for ancestor in self.open):
            raise UnsafeError("an alias that contains itself", code="SAF012", position=position)
        return node

    def _scalar(self, event: ScalarEvent) -> Node:
        position = position_of(self.source, _mark(event))
        quoted = event.style is not None
        try:
            return Node(position, event.value if quoted else resolve(event.value))
        except LongNumberError as error:
            raise ConfigError(
                f"{error}; no setting needs more than 100", code="CFG027", position=position
            ) from None
