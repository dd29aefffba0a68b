"""YAML text -> a tree of nodes, bounded before anything is built from it.

PyYAML's pure-Python parser delivers events; everything that could do harm (tags, aliases that
multiply, depth) is refused while they arrive, so that hostile text costs no more than its length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

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

from rnnexp.config.yaml_scalars import LongNumberError, Scalar, resolve
from rnnexp.config.yaml_syntax import Mark, position_of, syntax_error, tag_error
from rnnexp.errors import ConfigError, Position, UnsafeError

__all__ = ["MAX_DEPTH", "MAX_NODES", "Mapping", "Node", "Sequence", "compose"]

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
