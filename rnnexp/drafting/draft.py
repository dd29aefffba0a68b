"""A config before it is written: its keys with their reasons, what was found, what was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Choice", "Draft", "Key", "offer"]


@dataclass(frozen=True)
class Key:
    """A line of the config. offered: commented out, for the reader to take."""

    name: str
    value: Any
    why: str = ""
    offered: bool = False


def offer(name: str, value: Any, why: str = "") -> Key:
    """A key that is commented out."""
    return Key(name, value, why, offered=True)


@dataclass(frozen=True)
class Choice:
    """Something that the data do not settle: what was chosen, why, and how to have it otherwise."""

    key: str
    value: Any
    why: str
    change: str


@dataclass(frozen=True)
class Draft:
    """A config in the making.

    title: one line about what it trains. found: what the data are, by name, as JSON holds it.
    baselines: what the score will stand beside. after: what to type once it is trained.
    """

    title: str
    found: Mapping[str, Any]
    data: tuple[Key, ...]
    task: tuple[Key, ...]
    model: tuple[Key, ...]
    training: tuple[Key, ...]
    baselines: str
    choices: tuple[Choice, ...] = field(default=())
    after: str = ""
