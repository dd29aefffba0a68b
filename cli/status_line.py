"""A status of one line: redrawn in place on a terminal, now and then a line elsewhere.

On a terminal rich redraws the line, without a thread of its own.
"""

from __future__ import annotations

import os
import sys
import time
from abc import ABC, abstractmethod
from functools import cached_property
from typing import IO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from .text import (
    ascii_only,
    cells,
    coloured,
    fitting,
    living,
    mute,
    print_text,
    printable,
    width_of,
)

__all__ = ["LiveStatus", "Pace", "PlainStatus", "redraws"]

REDRAW_SECONDS = 1 / 8
REDRAW_SHARE = 1 / 200  # of the time that passes, at most
PLAIN_SECONDS = 5.0
BAR, SHORTEST_BAR = 24, 6
ECHO = len("^C")


def redraws(stream: IO[str]) -> bool:
    """Whether a line can be redrawn in place there."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class PlainStatus(ABC):
    """Lines that stay: for a file, a pipe, a dumb terminal. Each is written out at once.

    step, total: how far it is, and how far it goes, where that is known.
    """

    interval = PLAIN_SECONDS

    def __init__(self, stream: IO[str] | None = None) -> None:
        self.stream = stream or sys.stdout
        self._restart(None)

    @abstractmethod
    def _parts(self) -> list[str]:
        """The parts of the status in order of how much they matter."""

    def _restart(self, total: int | None, done: int = 0) -> None:
        self.step, self.total = done, total
        self.pace = Pace(done)
        self._next = time.perf_counter() + self.interval

    def _reach(self, step: int) -> None:
        """Remembers the step; shows the status when enough time has passed."""
        self.step = step
        now = time.perf_counter()
        if now >= self._next:
            self.pace.at(step, now)
            self._show()
            self._next = time.perf_counter() + self.interval

    def _line(self, text: str) -> None:
        try:
            print_text(text, self.stream)
            self.stream.flush()
        except OSError:  # a reader that left, a full disk: no reason to stop the work
            mute(self.stream)

    def _show(self) -> None:
        self._line(fitting(self._parts(), width_of(self.stream)))


class LiveStatus(PlainStatus):
    """The same, with a last line that is redrawn in place.

    At most eight times a second, and less often where a redraw takes long.
    """

    interval = REDRAW_SECONDS

    @cached_property
    def _live(self) -> Live:
        return Live(
            console=_Terminal(
                file=self.stream,
                force_terminal=True,
                color_system="auto" if coloured(self.stream) else None,
            ),
            get_renderable=lambda: self,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The status in one line, with a bar where there is room for one."""
        room = max(options.max_width - ECHO, 1)  # so that an echoed ^C starts no new line
        text = fitting(self._parts(), room)
        length = min(BAR, room - cells(text) - 2)
        if self.total and length >= SHORTEST_BAR:
            yield ProgressBar(self.total, self.step, length, complete_style="cyan")
            text = "  " + text
        yield Text(text, no_wrap=True, overflow="crop", end="")

    def _line(self, text: str) -> None:
        if not self._live.is_started:
            return super()._line(text)
        try:
            self._live.console.out(printable(text, self.stream), highlight=False)
        except OSError:
            mute(self.stream)

    def _show(self) -> None:
        began = time.perf_counter()
        try:
            if not self._live.is_started:
                self._live.start()
                self._live.console.show_cursor(True)  # hidden, it would stay so after a kill or ^Z
                living.append(self._live)
            self._live.refresh()
        except OSError:
            mute(self.stream)
        self.interval = max(REDRAW_SECONDS, (time.perf_counter() - began) / REDRAW_SHARE)


class _Terminal(Console):
    """A console that leaves it to us what a terminal can show and what a reader that left means."""

    @property
    def encoding(self) -> str:
        return "ascii" if ascii_only(self.file) else "utf-8"

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would end the process


class Pace:
    """Steps per second, smoothed, so that the time left does not jump."""

    def __init__(self, done: int = 0) -> None:
        self.rate: float | None = None
        self._step, self._time = done, time.perf_counter()

    def at(self, step: int, now: float) -> None:
        """A step was reached."""
        passed, made = now - self._time, step - self._step
        if passed <= 0 or made <= 0:
            return
        fresh = made / passed
        self.rate = fresh if self.rate is None else 0.8 * self.rate + 0.2 * fresh
        self._step, self._time = step, now
