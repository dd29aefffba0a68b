"""The measurement: a team of workers for each number of threads, asked in turn."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import rnnexp
from rnnexp.benching.contender import (
    CONTENDERS,
    KEPT,
    OURS,
    TORCH,
    Contender,
    cores_for,
    environment_for,
)
from rnnexp.benching.results import Measured, Row, row_of
from rnnexp.benching.shape import CELLS, GRID, Shape
from rnnexp.errors import EnvironmentMissingError, MemoryExceededError

__all__ = [
    "Plan",
    "Process",
    "Record",
    "Silent",
    "WorkerError",
    "claim_stdout",
    "measure",
    "serve",
    "start_worker",
]


# Questions and answers between a parent and its workers: one JSON object a line.
#
# A worker that fails to answer says why under `failed`. Standard library alone, as `shape.py`.

Record = dict[str, Any]


def claim_stdout() -> Callable[[Mapping[str, Any]], None]:
    """What says a line to the parent; from now on what a library prints goes to stderr."""
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)

    def say(record: Mapping[str, Any]) -> None:
        with suppress(BrokenPipeError):  # the parent is gone, and stdin will end, too
            out.write(json.dumps(record).encode() + b"\n")

    return say


def serve(say: Callable[[Mapping[str, Any]], None], answer: Callable[[Record], Record]) -> None:
    """Answer questions until stdin ends: whoever asked is gone then."""
    for line in sys.stdin.buffer:
        try:
            answered = answer(json.loads(line))
        except Exception as error:  # of any library, in any way
            answered = {
                "failed": f"{type(error).__name__}: {error}"[:500],
                "memory": isinstance(error, MemoryError) or "allocate" in str(error),
            }
        say(answered)


# The parent's end of a worker: started, asked, let go.

LAST_LINES = 20
GRACE = 2.0
"""seconds that a worker may take to leave; it has nothing to save"""
WORKER = "rnnexp.benching.step_worker"
# A peer's environment need not hold rnnexp: this very one is put in its place there, and what
# else lies beside it, our torch for one, is not.
BOOT = """
import importlib.util, runpy, sys
folder, name = sys.argv.pop(1), "rnnexp"
spec = importlib.util.spec_from_file_location(
    name, folder + "/__init__.py", submodule_search_locations=[folder])
sys.modules[name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules[name])
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


class WorkerError(Exception):
    """A worker that could not do what it was asked for, or is gone. memory: that ran out."""

    def __init__(self, message: str, memory: bool = False) -> None:
        super().__init__(message)
        self.memory = memory


class Process:
    """A process that answers questions; it has a session of its own, so a ^C reaches only us."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        self._said: deque[str] = deque(maxlen=LAST_LINES)
        self._errors = threading.Thread(target=self._hear_errors, daemon=True)
        self._errors.start()

    def ask(self, **question: Any) -> Record:
        """The answer. Raises WorkerError."""
        assert self.process.stdin is not None
        with suppress(OSError):  # it died: that is heard at once
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()
        return self.hear()

    def hear(self) -> Record:
        """The next line that it says. Raises WorkerError."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise self._epitaph()
        said: Record = json.loads(line)
        if "failed" in said:
            raise WorkerError(said["failed"], said["memory"])
        return said

    def close(self) -> None:
        """Let it go, and end it where it does not go."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._errors.join()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.close()

    def _epitaph(self) -> WorkerError:
        """How it ended, and its last words."""
        code = self.process.wait()
        self._errors.join()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        words = " | ".join(line for line in self._said if line)[-500:]
        told = f"its process ended by {how}" + (f" ({words})" if words else "")
        return WorkerError(told, code == -signal.SIGKILL)

    def _hear_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._said.append(line.decode("utf-8", "backslashreplace").strip())


def start_worker(contender: Contender, threads: int, peers: Path | None = None) -> Process:
    """The process of a contender, which says `ready` or what is `missing` first.

    peers: the Python of the environment that holds the peers, where that is not ours.
    """
    start = ["-m", WORKER]
    python = sys.executable
    if contender.peer and peers is not None:
        start = ["-c", BOOT, str(Path(rnnexp.__file__).parent), WORKER]
        python = str(peers)
    keeps = "keeps" if contender.keeps_memory else "frees"
    cores = ",".join(map(str, cores_for(threads)))
    command = [python, "-P", *start, contender.library, keeps, str(threads), cores]
    return Process(command, environment_for(contender, threads))


# The measurement: a team of workers for each number of threads, asked in turn.

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
