"""What people see while a network trains: the plan, a line that lives, validations, the result.

On a terminal the last line is redrawn in place, by carriage return and spaces alone: it needs no
escape codes and no second thread. Elsewhere plain lines come at most every few seconds.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .render import print_json
from .scores import result_text
from .shapes import plan_text
from .text import LivingLine, cells, duration, fitting, mute, number, print_text, safe, width_of

if TYPE_CHECKING:
    from rnnexp.training.observer import Observer

__all__ = ["LiveProgress", "PlainProgress", "make_progress"]

REDRAW_SECONDS = 1 / 8
PLAIN_SECONDS = 5.0
VALIDATION_SECONDS = 0.2
BAR, SHORTEST_BAR = 24, 6
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

    def __init__(self, stream: IO[str] | None = None, json: bool = False) -> None:
        self.stream = stream or sys.stdout
        self.json = json
        self.total: int | None = None
        self.step, self.loss = 0, float("nan")
        self.record: dict[str, Any] = {}
        self.pace = Pace()
        self._next = time.perf_counter() + self.interval

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
            self._next = now + self.interval
            self.pace.at(step, now)
            self._show()

    def logged(self, record: Mapping[str, Any]) -> None:
        """Remembers what was measured; a validation is a line of its own."""
        self.record.update(record)
        if any(name.startswith("val/") for name in record):
            self._line(validation_text(record, self.record, self.total, width_of(self.stream)))

    def noted(self, text: str) -> None:
        """One line for people."""
        self._line(safe(text))

    def finished(self, summary: Mapping[str, Any]) -> None:
        """The model beside the baselines, and where the run is."""
        self._line("\n" + result_text(summary, self.stream))
        if self.json:
            print_json({key: summary.get(key) for key in RESULT_KEYS})

    def _line(self, text: str) -> None:
        try:
            print_text(text, self.stream)
            self.stream.flush()
        except OSError:  # a reader that left, a full disk: no reason to stop training
            mute(self.stream)

    def _show(self) -> None:
        parts = status_parts(self.step, self.total, self.loss, self.record, self.pace.rate)
        self._line(fitting(parts, width_of(self.stream)))


class LiveProgress(PlainProgress):
    """The same, with a last line that is redrawn in place, at most eight times a second."""

    interval = REDRAW_SECONDS

    def __init__(self, stream: IO[str] | None = None, json: bool = False) -> None:
        super().__init__(stream, json)
        self._living = LivingLine(self.stream)
        self._held: Mapping[str, Any] | None = None
        self._validated = 0.0

    def logged(self, record: Mapping[str, Any]) -> None:
        """As plain, but validations that come thick and fast are held back, the last one shown."""
        if any(name.startswith("val/") for name in record):
            now = time.perf_counter()
            if now - self._validated < VALIDATION_SECONDS:
                self.record.update(record)
                self._held = record
                return
            self._validated, self._held = now, None
        super().logged(record)

    def finished(self, summary: Mapping[str, Any]) -> None:
        """As plain, after the last validation if that was held back."""
        if self._held is not None:
            super().logged(self._held)
        super().finished(summary)

    def _show(self) -> None:
        room = self._living.room
        parts = status_parts(self.step, self.total, self.loss, self.record, self.pace.rate)
        try:
            self._living.draw(fitting([_bar(self.step, self.total, room, parts), *parts], room))
        except OSError:
            mute(self.stream)


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


def _bar(step: int, total: int | None, room: int, parts: Sequence[str]) -> str:
    """A bar of the room that the other parts leave; none where that is too little."""
    length = min(BAR, room - cells("  ".join(parts)) - 2)
    if not total or length < SHORTEST_BAR:
        return ""
    full = int(min(step / total, 1.0) * length)
    head = "╸" if full < length else ""
    return f"{'━' * full}{head}{'─' * (length - full - len(head))}"


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
