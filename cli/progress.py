"""What people see while steps are measured: which shape it is at, and how long it will take."""

from __future__ import annotations

import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from rnnexp.registry.download import Fetched
from rnnexp.registry.sets import RegistrySet

from .render import print_json
from .results import plan_text, result_text
from .terminal import (
    amount,
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
    style,
    width_of,
    wipe,
)

if TYPE_CHECKING:
    from rnnexp.benching.results import Row
    from rnnexp.sweeps.conduct import Result
    from rnnexp.sweeps.engine import Event
    from rnnexp.sweeps.points import Point
    from rnnexp.training.journal import Observer

__all__ = [
    "LiveDownload",
    "LiveProgress",
    "PlainProgress",
    "SweepProgress",
    "make_bench_progress",
    "make_download_progress",
    "make_progress",
    "make_sweep_progress",
]


# A status of one line: redrawn in place on a terminal, now and then a line elsewhere.
#
# On a terminal rich redraws the line, without a thread of its own.

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


# What people see while a network trains: the plan, a line that lives, validations, the result.
#
# On a terminal the last line is redrawn in place; elsewhere plain lines come every few seconds.

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


# What people see while a data set is downloaded: how much has come, how fast, what is done.


def make_download_progress(json: bool) -> PlainDownload:
    """A progress that fits where its text goes: stdout, or stderr where stdout is for JSON."""
    stream = sys.stderr if json else sys.stdout
    return LiveDownload(stream) if redraws(stream) else PlainDownload(stream)


class PlainDownload(PlainStatus):
    """Lines that stay: one a file that was fetched, one a set, and now and then how far it is."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        super().__init__(stream)
        self.path = ""

    def began(self, path: str, size: int | None) -> None:
        """The next file, and its size in bytes where that is known."""
        self.path = path
        self._restart(size)

    def arrived(self, done: int, total: int | None) -> None:
        """So many bytes of so many are there."""
        self.total = total
        self._reach(done)

    def ended(self, fetched: Fetched) -> None:
        """A file is in the cache; one without a published hash is told aloud."""
        wipe()
        if fetched.downloaded:
            self._line(f"{safe(self.path)}  {amount(fetched.bytes)}")
        if fetched.file.sha256 is None:
            self._line(self._without_published_hash(fetched))

    def _without_published_hash(self, fetched: Fetched) -> str:
        kept = "; kept beside it, and checked from now on" if fetched.downloaded else ""
        warning = f"warning: no hash is published here for {safe(self.path)}: nobody can say"
        text = f"{warning} that it is genuine. It has SHA-256 {fetched.sha256}{kept}"
        return style(text, "yellow", self.stream)

    def interrupted(self) -> None:
        """The file did not come whole."""
        wipe()
        if self.step:
            kept = f"{safe(self.path)}: {amount(self.step)} have arrived"
            self._line(f"{kept}; the same command goes on from there")

    def complete(self, found: RegistrySet, fetched: Sequence[Fetched]) -> None:
        """All of a set is there."""
        files = f"{len(fetched)} files, " if len(fetched) > 1 else ""
        size = amount(sum(file.bytes for file in fetched))
        state = "in the cache" if any(f.downloaded for f in fetched) else "in the cache already"
        place = os.path.commonpath([file.path for file in fetched])
        self._line(f"{found.name}: {files}{size}, {state}: {safe(place)}")

    def _parts(self) -> list[str]:
        done, rate = amount(self.step), self.pace.rate
        left = (self.total - self.step) / rate if self.total and rate else None
        return [
            f"{safe(self.path)}  {done}" + (f" of {amount(self.total)}" if self.total else ""),
            f"{amount(round(rate))}/s" if rate else "",
            f"ETA {duration(round(max(left, 1)))}" if left is not None else "",
        ]


class LiveDownload(LiveStatus, PlainDownload):
    """The same on a terminal, with a last line that is redrawn in place."""


# What people see while a sweep runs: each trial as it ends and, on a terminal, those that run.


def make_sweep_progress(stream: IO[str]) -> SweepProgress:
    """A progress that fits where its text goes."""
    return LiveSweepProgress(stream) if redraws(stream) else SweepProgress(stream)


class SweepProgress(PlainStatus):
    """A line for each trial that ends; now and then one about the whole."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        super().__init__(stream)
        self.path = Path()
        self.failed = self.pruned = 0
        self.best: tuple[float, str] | None = None  # the smaller the better, and what is said
        self.running: dict[int, dict[str, Any]] = {}

    def began(self, path: Path, total: int, done: int) -> None:
        """Where the sweep is, and how much of it is done already."""
        self.path = path
        self._line(f"sweep {safe(str(path))}")
        if done:
            self._line(f"{done} of {total} trials are done already")
        self._restart(total, done)

    def happened(self, point: Point, event: Event) -> None:
        """Remembers it; a trial that ends is a line."""
        if event.job.task == "check":
            return
        known = self.running.setdefault(point.number, {"told": point.brief})
        known |= {k: v for k, v in event.fields.items() if k in ("step", "total", "loss")}
        if event.kind in ("finished", "pruned", "failed", "interrupted", "lost"):
            del self.running[point.number]
            self._line(self._told(point, event))
        if event.kind == "finished":
            self._compare(point, event.fields["summary"])
        if event.kind in ("finished", "pruned", "failed"):
            self.failed += event.kind == "failed"
            self.pruned += event.kind == "pruned"
            self._reach(self.step + 1)
        else:
            self.idle()

    def noted(self, text: str) -> None:
        """One line for people."""
        self._line(safe(text))

    def idle(self) -> None:
        """Shows how it stands, when enough time has passed."""
        self._reach(self.step)

    def ended(self, result: Result) -> None:
        """How many of which."""
        counts = {
            "finished": len(result.finished),
            "pruned": len(result.pruned),
            "failed": len(result.failed),
        }
        told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        self._line(f"\n{told or 'nothing was run'}")

    def _compare(self, point: Point, summary: dict[str, Any]) -> None:
        """Keeps the best so far."""
        value = summary["metrics"].get(summary["monitor"])
        if value is None:
            return
        rank = -value if summary.get("larger_is_better") else value
        if self.best is None or rank < self.best[0]:
            self.best = (rank, f"best #{point.number} {safe(summary['monitor'])} {number(value)}")

    def _told(self, point: Point, event: Event) -> str:
        width = len(str(self.total or 0))
        head = f"{point.number:>{width}}  {safe(point.brief)}"
        if event.kind != "finished":
            return f"{head}  {event.kind}" + (
                f": {safe(event.message)}" if event.kind in ("failed", "lost") else ""
            )
        summary = event.fields["summary"]
        monitor = summary["monitor"]
        value = summary["metrics"].get(monitor)
        return f"{head}  {safe(monitor)} {number(value)}  {duration(summary['seconds'])}"

    def _parts(self) -> list[str]:
        rate = self.pace.rate
        left = (self.total - self.step) / rate if self.total and rate else None
        parts = [
            f"{self.step}/{self.total} trials",
            f"{len(self.running)} running",
            f"{self.failed} failed" if self.failed else "",
            f"{self.pruned} pruned" if self.pruned else "",
            f"ETA {duration(round(max(left, 1)))}" if left else "",
            self.best[1] if self.best else "",
        ]
        return [part for part in parts if part]

    def _running(self) -> Iterator[str]:
        """A line for each trial that runs: how far it is."""
        for point, known in sorted(self.running.items()):
            total, step = known.get("total"), known.get("step", 0)
            share = f"{step / total:4.0%}  loss {number(known.get('loss'))}" if total else "begins"
            yield f"  #{point}  {safe(known['told'])}  {share}"


class LiveSweepProgress(LiveStatus, SweepProgress):
    """The same on a terminal, with last lines that are redrawn in place."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """How the whole stands, and under it each trial that runs."""
        yield from super().__rich_console__(console, options)
        for line in self._running():
            yield Text("\n" + fitting([line], options.max_width), no_wrap=True, end="")


# What people see while steps are measured: which shape it is at, and how long it will take.


def make_bench_progress(stream: IO[str]) -> BenchProgress:
    """A progress that fits where its text goes."""
    return LiveBenchProgress(stream) if redraws(stream) else BenchProgress(stream)


class BenchProgress(PlainStatus):
    """A line now and then. rows: what is measured so far."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        super().__init__(stream)
        self.rows: list[Row] = []
        self.what = "starting"

    def began(self, rounds: int) -> None:
        self._restart(rounds)

    def turned(self, what: str) -> None:
        self.what = what
        if self.step == 0:  # the start of the workers says nothing of the rounds
            self.pace = Pace(1)
        self._reach(self.step + 1)

    def measured(self, row: Row) -> None:
        self.rows.append(row)

    def _parts(self) -> list[str]:
        left = ((self.total or 0) - self.step) / (self.pace.rate or 1e9)
        eta = f"ETA {duration(round(left))}" if left >= 1 else ""
        return [f"{self.step}/{self.total} rounds", self.what, eta]


class LiveBenchProgress(LiveStatus, BenchProgress):
    """The same on a terminal, redrawn in place."""

    def began(self, rounds: int) -> None:
        super().began(rounds)
        self._show()
