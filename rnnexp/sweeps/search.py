"""Which point comes next: a list that is frozen, or a search that learns from what came back."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rnnexp.sweeps.points import Point

__all__ = ["Listed", "Search"]


class Search(Protocol):
    """Asked for points, told what became of them. total: how many there will be."""

    @property
    def total(self) -> int: ...

    def next(self) -> Point | None:
        """The next point to start; None where there is none now."""

    @property
    def exhausted(self) -> bool:
        """Whether there will be none any more, whatever comes back."""

    def told(self, point: Point, value: float | None) -> None:
        """A point is done; None where it has no result."""

    def goes_on(self, point: Point, step: int, metrics: Mapping[str, Any]) -> bool:
        """Whether a point that has validated is worth going on with."""


class Listed:
    """The points of a grid or a random search, in order."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._left = deque(points)
        self.total = len(points)

    def next(self) -> Point | None:
        return self._left.popleft() if self._left else None

    @property
    def exhausted(self) -> bool:
        return not self._left

    def told(self, point: Point, value: float | None) -> None:
        pass

    def goes_on(self, point: Point, step: int, metrics: Mapping[str, Any]) -> bool:
        return True
