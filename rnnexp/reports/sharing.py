"""Equal values as one object, so that many runs take the room of what differs between them."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["Sharing"]

DEEPEST = 20
"""no config is nested deeper"""


class Sharing:
    """Called with a value of JSON, gives one that is equal, and the same object for equal values.

    Lists come back as tuples. What comes back is shared: nobody may change it. Raises ValueError
    where the value is nested too deep to be a part of a config.
    """

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def __call__(self, value: Any, depth: int = 0) -> Any:
        if not isinstance(value, dict | list):
            return self._known.setdefault((type(value), value), value)
        if depth > DEEPEST:
            raise ValueError(f"nested deeper than {DEEPEST}")
        if depth != 1:
            return self._made(value, depth)
        # Most runs differ in few sections, and to spell one out is faster than to go through it.
        try:
            spelled = repr(value)
        except RecursionError as error:
            raise ValueError(f"nested deeper than {DEEPEST}") from error
        if spelled not in self._known:
            self._known[spelled] = self._made(value, depth)
        return self._known[spelled]

    def _made(self, value: dict[str, Any] | list[Any], depth: int) -> Any:
        if isinstance(value, dict):
            parts = {sys.intern(name): self(part, depth + 1) for name, part in value.items()}
            return self._known.setdefault((dict, *parts, *map(id, parts.values())), parts)
        items = tuple([self(part, depth + 1) for part in value])
        return self._known.setdefault((tuple, *map(id, items)), items)
