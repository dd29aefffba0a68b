"""What people see while a network trains: the plan, a line that lives, validations, the result.

On a terminal the last line is redrawn in place; elsewhere plain lines come every few seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .render import print_json
from .scores import result_text
from .shapes import plan_text
from .status_line import LiveStatus, PlainStatus, redraws
from .text import duration, fitting, number, safe, width_of, wipe

if TYPE_CHECKING:
    from rnnexp.training.observer import Observer

__all__ = ["LiveProgress", "PlainProgress", "make_progress"]

RESULT_KEYS = ("run", "status", "metrics", "baselines", "seconds", "steps")


def make_progress(json: bool, last: bool = True) -> Observer:
    """A progress that fits where its text goes: stdout, or stderr where stdout is for JSON.

    last: the summary is the object of the command; otherwise there will be another.
    """
    stream = sys.stderr if json else sys.stdout
    ends = json and last
    return LiveProgress(stream, ends) if redraws(stream) else PlainProgress(stream, ends)


class PlainProgress(PlainStatus):
    """Lines that stay: for a file, a pipe, a dumb terminal."""

    validation_interval = 1.0

    def __init__(self, stream: IO[str] | None = None, json: bool = False) -> None:
        super().__init__(stream)
        self.json = json
        self.loss = float("nan")
        self.record: dict[str, Any] = {}
        self._held: Mapping[str, Any] | None = None
        self._validated = float("-inf")

    def started(self, run: Path, total_steps: int | None, description: Mapping[str, Any]) -> None:
        """Shows what is about to be trained."""
        self._line(plan_text(run, total_steps, description, self.stream) + "\n")
        self._restart(total_steps, description.get("done", 0))

    def stepped(self, step: int, loss: float) -> None:
        """Remembers the step; shows it when enough time has passed."""
        self.loss = loss
        self._reach(step)

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

    def _parts(self) -> list[str]:
        return status_parts(self.step, self.total, self.loss, self.record, self.pace.rate)


class LiveProgress(LiveStatus, PlainProgress):
    """The same on a terminal, with a last line that is redrawn in place."""

    validation_interval = 0.2


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
