"""A disk that fails, or kills the process, at a chosen call."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from rnnexp import storage

__all__ = ["CALLS", "Counting", "Killed", "failing", "killed"]

CALLS = tuple(name for name in vars(storage.Disk) if not name.startswith("_"))
NEVER = 10**9


class Killed(BaseException):
    """What a process sees of a kill: nothing more."""


class Counting(storage.Disk):
    """A disk on which something happens before its call number `first`, counted from 0.

    Every later call does the same, unless it happens `once`. fired: whether it came to that.
    """

    def __init__(self, first: int, happens: Callable[[], None], *, once: bool = False) -> None:
        self.first, self.happens, self.once = first, happens, once
        self.calls, self.fired = 0, False

    def __getattribute__(self, name: str) -> Any:
        if name in CALLS:
            number, self.calls = self.calls, self.calls + 1
            if number == self.first or (number > self.first and not self.once):
                self.fired = True
                self.happens()
        return object.__getattribute__(self, name)


def killed() -> None:
    raise Killed


def failing(number: int) -> Callable[[], None]:
    """A call that the system answers with an error number."""

    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail
