"""Signals that ask to stop: the step is finished first, then a checkpoint is left.

Nothing is ever raised by the handler itself: it may run below C++ code (a picture being drawn, an
array being filled), which ends the process when an exception comes out of Python there.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupt", "Interrupted", "stop_if_asked"]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 4.0
"""seconds that a step may still take; then the process leaves, and the last checkpoint stands"""


class Interrupted(BaseException):
    """A signal came where nothing is lost by stopping."""

    def __init__(self, number: int) -> None:
        self.number = number


_scoring: list[Interrupt] = []
"""whose `scoring` block this process is in, if in any"""


def stop_if_asked() -> None:
    """Between two batches or pictures: raises Interrupted where a signal has come while scoring."""
    for interrupt in _scoring:
        if interrupt.number:
            raise Interrupted(interrupt.number)


class Interrupt:
    """Remembers the first signal (`number`, else 0); a second one ends the process at once."""

    def __init__(self) -> None:
        self.number = 0
        self._previous: dict[int, Any] = {}
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
    def scoring(self) -> Iterator[None]:
        """In this block, where there is nothing to save, `stop_if_asked` ends the work."""
        _scoring.append(self)
        try:
            stop_if_asked()
            yield
        finally:
            _scoring.remove(self)

    def in_hand(self) -> None:
        """The step is done: what is left to do may take its time."""
        if self._waiting is not None:
            self._waiting.cancel()

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        for other in SIGNALS:
            signal.signal(other, signal.SIG_DFL)
        self._waiting = threading.Timer(GRACE, _leave, (number,))
        self._waiting.daemon = True
        self._waiting.start()


def _leave(number: int) -> None:
    os.write(2, b"error[INT002] the step did not end in time; the last checkpoint stands\n")
    os._exit(128 + number)
