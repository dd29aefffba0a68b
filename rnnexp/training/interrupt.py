"""Signals that ask to stop: the step is finished first, then a checkpoint is left."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupt", "Interrupted"]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 4.0
"""seconds that a step may still take; then the process leaves, and the last checkpoint stands"""


class Interrupted(BaseException):
    """A signal came where nothing is lost by stopping at once."""

    def __init__(self, number: int) -> None:
        self.number = number


class Interrupt:
    """Remembers the first signal (`number`, else 0); a second one ends the process at once."""

    def __init__(self) -> None:
        self.number = 0
        self._previous: dict[int, Any] = {}
        self._at_once = False
        self._waiting: threading.Timer | None = None

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._previous[number] = signal.signal(number, self._remember)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.in_hand()
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def pending(self) -> int:
        """The signal that came, or 0."""
        return self.number

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """In this block a signal, also one that came before it, raises Interrupted."""
        self._at_once = True
        try:
            if self.number:
                raise Interrupted(self.number)
            yield
        finally:
            self._at_once = False

    def in_hand(self) -> None:
        """The step is done: what is left to do may take its time."""
        if self._waiting is not None:
            self._waiting.cancel()

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        for other in SIGNALS:
            signal.signal(other, signal.SIG_DFL)
        if self._at_once:
            raise Interrupted(number)
        self._waiting = threading.Timer(GRACE, _leave, (number,))
        self._waiting.daemon = True
        self._waiting.start()


def _leave(number: int) -> None:
    os.write(2, b"error[INT002] the step did not end in time; the last checkpoint stands\n")
    os._exit(128 + number)
