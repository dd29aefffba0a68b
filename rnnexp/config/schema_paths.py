"""The way through the schema: pydantic's locations -> keys, and a name -> where it belongs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from pydantic import BaseModel

from rnnexp.config.config import KeyPath
from rnnexp.config.kinds import Kind, kinds_of_field, sections
from rnnexp.config.schema import Experiment

__all__ = ["Spot", "dotted", "homes", "locate", "tags_with"]


@dataclass(frozen=True)
class Spot:
    """A place in the schema.

    path: keys and list indices, as in the config. found: what may stand there (empty where the
    schema knows no such key). section: the section around it; siblings: all alternatives of that
    section, where it is one of several.
    """

    path: KeyPath
    found: tuple[Kind, ...]
    section: type[BaseModel]
    siblings: tuple[Kind, ...] = ()


def locate(location: tuple[str | int, ...]) -> Spot:
    """The spot of a pydantic error; pydantic's labels for the branches of a union are dropped."""
    spot = Spot((), (Kind("a section", section=Experiment),), Experiment)
    alternatives = spot.found
    for part in location:
        if len(_plain(alternatives)) > 1:
            alternatives = _branch(alternatives, part)
        else:
            spot = _below(spot, alternatives, part)
            alternatives = spot.found
    return spot


def _plain(alternatives: tuple[Kind, ...]) -> list[Kind]:
    return [kind for kind in alternatives if kind.name != "null"]


def _branch(alternatives: tuple[Kind, ...], label: str | int) -> tuple[Kind, ...]:
    named = {kind.section.__name__.lower(): kind.section for kind in alternatives if kind.section}
    tagged = sections(alternatives).get(str(label)) or named.get(str(label))
    wanted = "a list" if str(label).startswith("tuple[") else "a section"
    if tagged is None:
        return tuple(kind for kind in alternatives if kind.name == wanted)[:1]
    return tuple(kind for kind in alternatives if kind.section is tagged)


def _below(spot: Spot, alternatives: tuple[Kind, ...], part: str | int) -> Spot:
    path = (*spot.path, part)
    kind = _plain(alternatives)[0] if _plain(alternatives) else None
    if kind is not None and kind.section is not None:
        info = kind.section.model_fields.get(str(part))
        return Spot(path, kinds_of_field(info) if info else (), kind.section, spot.found)
    return Spot(path, kind.items if kind else (), spot.section)


def dotted(path: KeyPath) -> str:
    """`("model", "hidden_sizes", 1)` -> `model.hidden_sizes[1]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


@cache
def homes() -> dict[str, tuple[str, ...]]:
    """Every key of the schema -> the dotted paths at which it may stand."""
    found: dict[str, dict[str, None]] = {}
    for path in _paths(Experiment, ""):
        found.setdefault(path.rpartition(".")[2], {})[path] = None
    return {name: tuple(paths) for name, paths in found.items()}


def _paths(section: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, info in section.model_fields.items():
        yield prefix + name
        for kind in kinds_of_field(info):
            if kind.section is not None:
                yield from _paths(kind.section, f"{prefix}{name}.")


def tags_with(siblings: tuple[Kind, ...], name: str) -> list[str]:
    """The tags of a union's sections that know the key `name`."""
    return [tag for tag, section in sections(siblings).items() if name in section.model_fields]
