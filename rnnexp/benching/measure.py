"""The measurement: a team of workers for each number of threads, asked in turn."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rnnexp.benching.contender import CONTENDERS, KEPT, OURS, TORCH, Contender
from rnnexp.benching.process import Process, WorkerError, start_worker
from rnnexp.benching.results import Measured, Row, row_of
from rnnexp.benching.shape import CELLS, GRID, Shape
from rnnexp.errors import EnvironmentMissingError, MemoryExceededError

__all__ = ["Plan", "Silent", "Watcher", "measure"]

NEEDED = (OURS, TORCH, KEPT)


@dataclass(frozen=True)
class Plan:
    """What to measure. seconds: how long a burst lasts. peers: the Python that has the peers."""

    cells: Sequence[str] = CELLS
    threads: Sequence[int] = (1,)
    shapes: Sequence[Shape] = GRID
    rounds: int = 9
    seconds: float = 0.15
    contenders: Sequence[Contender] = CONTENDERS
    peers: Path | None = None

    @property
    def rounds_in_all(self) -> int:
        return len(self.cells) * len(self.threads) * len(self.shapes) * self.rounds


class Watcher(Protocol):
    """Follows the measurement."""

    def began(self, rounds: int) -> None:
        """There will be so many rounds."""

    def turned(self, what: str) -> None:
        """A round of something is done."""

    def measured(self, row: Row) -> None:
        """A row is there."""


class Silent:
    """Looks away."""

    def began(self, rounds: int) -> None: ...
    def turned(self, what: str) -> None: ...
    def measured(self, row: Row) -> None: ...


@dataclass
class Team:
    """The workers of one number of threads; who is not there, or gives up, is in `absent`."""

    threads: int
    members: dict[str, Process] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def enter(self, contender: Contender, peers: Path | None) -> None:
        """Start a worker; the next can start while this one imports."""
        try:
            self.members[contender.name] = start_worker(contender, self.threads, peers)
        except OSError as error:
            self._lose(contender.name, WorkerError(str(error)))

    def settle(self) -> None:
        """Wait until each is ready or has said what it lacks."""
        for name in list(self.members):
            said = self._told(name, lambda member: member.hear())
            if said and "missing" in said:
                self._lose(name, WorkerError(f"not installed ({said['missing']})"))
            elif said:
                self.versions |= said["ready"]

    def best_product(self, seconds: float) -> dict[str, Any]:
        """Measured in the process of torch, whose allocator is as it comes."""
        return (
            self._told(TORCH.name, lambda member: member.ask(do="product", seconds=seconds)) or {}
        )

    def round(self, cell: str, shape: Shape, seconds: float, number: int) -> dict[str, Any]:
        """One burst of each, every round begun by another; what each answered."""
        names = list(self.members)
        first = number % len(names)
        asked = {"do": "burst", "cell": cell, "shape": str(shape), "seconds": seconds}
        found = {}
        for name in names[first:] + names[:first]:
            said = self._told(name, lambda member: member.ask(**asked), f"at {cell} {shape}: ")
            if said:
                found[name] = said
        return found

    def close(self) -> None:
        for member in self.members.values():
            member.kill()
        self.members.clear()

    def _told(
        self, name: str, ask: Callable[[Process], dict[str, Any]], place: str = ""
    ) -> dict[str, Any] | None:
        try:
            return ask(self.members[name])
        except WorkerError as error:
            self._lose(name, WorkerError(f"{place}{error}", error.memory))
            return None

    def _lose(self, name: str, error: WorkerError) -> None:
        """A peer that is not there is noted; without us or torch there is nothing to measure.

        Raises:
            MemoryExceededError: one of those has run out of memory.
            EnvironmentMissingError: one of those failed otherwise.
        """
        member = self.members.pop(name, None)
        if member is not None:
            member.kill()
        if name not in {contender.name for contender in NEEDED}:
            self.absent[name] = str(error)
        elif error.memory:
            raise MemoryExceededError(
                f"this machine has not enough memory for a training step ({error})",
                code="MEM103",
                hint="smaller shapes: --shapes B,T,I,H,L",
            )
        else:
            message = f"the worker of {name} cannot measure: {error}"
            raise EnvironmentMissingError(message, code="ENV110", hint="rnnexp doctor looks closer")


def measure(plan: Plan, watcher: Watcher) -> Measured:
    """Measure what is planned.

    Raises:
        MemoryExceededError, EnvironmentMissingError: our own worker or torch's cannot go on.
    """
    watcher.began(plan.rounds_in_all)
    rows: list[Row] = []
    products: dict[int, dict[str, Any]] = {}
    versions: dict[str, str] = {}
    absent: dict[str, str] = {}
    for threads in plan.threads:
        with _team(plan, threads) as team:
            products[threads] = team.best_product(plan.seconds)
            rows += _rows(plan, team, products[threads]["gflops"], watcher)
            versions |= team.versions
            absent |= team.absent
    return Measured(tuple(rows), products, versions, absent)


@contextmanager
def _team(plan: Plan, threads: int) -> Iterator[Team]:
    team = Team(threads)
    try:
        for contender in plan.contenders:
            team.enter(contender, plan.peers)
        team.settle()
        yield team
    finally:
        team.close()


def _rows(plan: Plan, team: Team, best_gflops: float, watcher: Watcher) -> Iterator[Row]:
    for shape in plan.shapes:
        for cell in plan.cells:
            row = _row(plan, team, shape, cell, best_gflops, watcher)
            watcher.measured(row)
            yield row


def _row(  # noqa: PLR0917
    plan: Plan, team: Team, shape: Shape, cell: str, best_gflops: float, watcher: Watcher
) -> Row:
    rounds: dict[str, list[float]] = {}
    what = f"{cell} {shape}, threads {team.threads}"
    for number in range(plan.rounds):
        found = team.round(cell, shape, plan.seconds, number)
        for name, said in found.items():
            rounds.setdefault(name, []).append(statistics.median(said["seconds"]))
        path = found[OURS.name]["path"]
        watcher.turned(what)
    whole = {name: seconds for name, seconds in rounds.items() if len(seconds) == plan.rounds}
    return row_of(shape, cell, team.threads, whole, tuple(path), best_gflops)
