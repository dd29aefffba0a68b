"""What people see while steps are measured: which shape it is at, and how long it will take."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from .status_line import LiveStatus, Pace, PlainStatus, redraws
from .text import duration

if TYPE_CHECKING:
    from rnnexp.benching.results import Row

__all__ = ["BenchProgress", "make_bench_progress"]


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
