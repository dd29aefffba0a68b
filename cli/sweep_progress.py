"""What people see while a sweep runs: each trial as it ends and, on a terminal, those that run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from .status_line import LiveStatus, PlainStatus, redraws
from .text import duration, fitting, number, safe

if TYPE_CHECKING:
    from rnnexp.sweeps.conduct import Result
    from rnnexp.sweeps.engine import Event
    from rnnexp.sweeps.points import Point

__all__ = ["SweepProgress", "make_sweep_progress"]


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
