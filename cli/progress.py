"""What people see while a network trains: the plan, a line that lives, validations, the result.

On a terminal rich redraws the last line in place, without a thread of its own. Elsewhere plain
lines come at most every few seconds.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from .render import print_json
from .scores import result_text
from .shapes import plan_text
from .text import (
    ascii_only,
    cells,
    coloured,
    duration,
    fitting,
    living,
    mute,
    number,
    print_text,
    printable,
    safe,
    width_of,
    wipe,
)

if TYPE_CHECKING:
    from rnnexp.training.observer import Observer

__all__ = ["LiveProgress", "PlainProgress", "make_progress"]

REDRAW_SECONDS = 1 / 8
REDRAW_SHARE = 1 / 200  # of the time that passes, at most
PLAIN_SECONDS = 5.0
BAR, SHORTEST_BAR = 24, 6
ECHO = len("^C")
RESULT_KEYS = ("run", "status", "metrics", "baselines", "seconds", "steps")


def make_progress(json: bool) -> Observer:
    """A progress that fits where its text goes: stdout, or stderr where stdout is for JSON."""
    stream = sys.stderr if json else sys.stdout
    return LiveProgress(stream, json) if _redraws(stream) else PlainProgress(stream, json)


def _redraws(stream: IO[str]) -> bool:
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class PlainProgress:
    """Lines that stay: for a file, a pipe, a dumb terminal. Each is written out at once."""

    interval = PLAIN_SECONDS
    validation_interval = 1.0

    def __init__(self, stream: IO[str] | None = None, json: bool = False) -> None:
        self.stream = stream or sys.stdout
        self.json = json
        self.total: int | None = None
        self.step, self.loss = 0, float("nan")
        self.record: dict[str, Any] = {}
        self.pace = Pace()
        self._next = time.perf_counter() + self.interval
        self._held: Mapping[str, Any] | None = None
        self._validated = float("-inf")

    def started(self, run: Path, total_steps: int | None, description: Mapping[str, Any]) -> None:
        """Shows what is about to be trained."""
        self.total = total_steps
        self._line(plan_text(run, total_steps, description, self.stream) + "\n")
        self.pace = Pace()
        self._next = time.perf_counter() + self.interval

    def stepped(self, step: int, loss: float) -> None:
        """Remembers the step; shows it when enough time has passed."""
        self.step, self.loss = step, loss
        now = time.perf_counter()
        if now >= self._next:
            self.pace.at(step, now)
            self._show()
            self._next = time.perf_counter() + self.interval

    def logged(self, record: Mapping[str, Any]) -> None:
        """Remembers what was measured; a validation is a line, of many in a second the first."""
        self.record.update(record)
        if any(name.startswith("val/") for name in record):
            self._held = record
            now = time.perf_counter()
            if now - self._validated >= self.validation_interval:
                self._validated = now
                self._tell_validation()

    def noted(self, text: str) -> None:
        """One line for people."""
        self._tell_validation()
        self._line(safe(text))

    def finished(self, summary: Mapping[str, Any]) -> None:
        """The last validation, the model beside the baselines, and where the run is."""
        self._tell_validation()
        wipe()
        self._line("\n" + result_text(summary, self.stream))
        if self.json:
            print_json({key: summary.get(key) for key in RESULT_KEYS})

    def _tell_validation(self) -> None:
        if self._held is not None:
            width = width_of(self.stream)
            self._line(validation_text(self._held, self.record, self.total, width))
            self._held = None

    def _line(self, text: str) -> None:
        try:
            print_text(text, self.stream)
            self.stream.flush()
        except OSError:  # a reader that left, a full disk: no reason to stop training
            mute(self.stream)

    def _show(self) -> None:
        self._line(fitting(self._parts(), width_of(self.stream)))

    def _parts(self) -> list[str]:
        return status_parts(self.step, self.total, self.loss, self.record, self.pace.rate)


class LiveProgress(PlainProgress):
    """The same, with a last line that is redrawn in place.

    At most eight times a second, and less often where a redraw takes long.
    """

    interval = REDRAW_SECONDS
    validation_interval = 0.2

    def __init__(self, stream: IO[str] | None = None, json: bool = False) -> None:
        super().__init__(stream, json)
        self._live = Live(
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

    def __init__(self) -> None:
        self.rate: float | None = None
        self._step, self._time = 0, time.perf_counter()

    def at(self, step: int, now: float) -> None:
        """A step was reached."""
        passed, made = now - self._time, step - self._step
        if passed <= 0 or made <= 0:
            return
        fresh = made / passed
        self.rate = fresh if self.rate is None else 0.8 * self.rate + 0.2 * fresh
        self._step, self._time = step, now


# -- the living line -------------------------------------------------------------------------------


def status_parts(
    step: int, total: int | None, loss: float, record: Mapping[str, Any], rate: float | None
) -> list[str]:
    """The parts of the status in order of how much they matter."""
    left = (total - step) / rate if total and rate else None
    parts = [
        f"{step:,}/{total:,}" if total else f"step {step:,}",
        f"loss {number(loss)}",
        f"ETA {duration(round(max(left, 1)))}" if left is not None else "",
        f"grad {number(record['grad_norm'])}" if "grad_norm" in record else "",
        f"clip {record['clipped']:.0%}" if _is_number(record.get("clipped")) else "",
        f"{rate:,.0f} steps/s" if rate and rate >= 10 else f"{rate:.2g} steps/s" if rate else "",
    ]
    return [part for part in parts if part]


def validation_text(
    record: Mapping[str, Any],
    known: Mapping[str, Any],
    total: int | None,
    width: int | None,
) -> str:
    """`step   100  epoch  1  val/loss 0.4  val/rmse 20.1  train/loss 0.5  4 s`, in columns."""
    values = {name: record[name] for name in record if name.startswith("val/")}
    if "train/loss" in known:
        values["train/loss"] = known["train/loss"]
    step = f"{record.get('step', 0):>{len(f'{total:,}') if total else 6},}"
    roomy = width is None or width >= 40
    parts = [
        f"step {step}  epoch {record.get('epoch', 0):>3}" if roomy else step.lstrip(),
        *(f"{safe(name)} {number(value):<{9 if roomy else 0}}" for name, value in values.items()),
        duration(record.get("seconds")),
    ]
    return fitting(parts, width).rstrip()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
