"""A sweep from its folder to its end: held, checked against what was frozen, conducted."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rnnexp.config.loading import load_config
from rnnexp.errors import (
    CheckpointError,
    DataError,
    InterruptedRunError,
    MemoryExceededError,
    Problem,
    RnnexpError,
    StorageError,
)
from rnnexp.reading import read_json
from rnnexp.sweeps.definition import Definition
from rnnexp.sweeps.engine import Engine, Event, Job
from rnnexp.sweeps.local_engine import LocalEngine
from rnnexp.sweeps.points import Point
from rnnexp.sweeps.search import Listed, Search
from rnnexp.sweeps.sweep_folder import SweepFolder, Trial, best_trials, clear_litter, code_state
from rnnexp.training.monitor import larger_is_better

__all__ = ["Result", "conduct", "definition_of", "local", "refuse_other_code", "run_sweep"]


# Who may conduct a sweep: one process at a time, with the code that it was frozen with.

SECONDS = 15.0
"""how long the workers of a sweep that was killed may take to save and leave"""


@contextmanager
def held(folder: SweepFolder) -> Iterator[None]:
    """Hold the sweep. Raises BusyError where another process conducts it."""
    folder.lock(SECONDS)
    try:
        folder.update(pid=os.getpid(), host=socket.gethostname())
        yield
    finally:
        folder.unlock()


def refuse_other_code(folder: SweepFolder, allow_drift: bool) -> list[str]:
    """What has changed in rnnexp and its packages since the sweep was frozen.

    Raises CheckpointError unless the drift is allowed: the trials of one table must share them.
    """
    then, now = folder.record().get("code", {}), code_state()
    versions = then.get("versions", {})
    changed = [
        f"{name} was {versions.get(name)} when the sweep was frozen, and is {version} now"
        for name, version in now["versions"].items()
        if versions.get(name) != version
    ]
    if then.get("sha256") != now["sha256"] and not changed:
        changed = ["the source of rnnexp is another one than when the sweep was frozen"]
    if changed and not allow_drift:
        hint = "sweep anew under another name; or go on all the same: --allow-drift"
        raise CheckpointError([Problem("SWP112", text, hint=hint) for text in changed])
    return changed


# The data of a sweep: loaded once before anything is trained, and frozen by their hashes.


def check_data(
    folder: SweepFolder, engine: Engine, points: Sequence[Point], stopping: Callable[[], bool]
) -> dict[str, str]:
    """SHA-256 by path of all that the points read; frozen in the folder the first time.

    Raises RnnexpError where the data of a point cannot be used, with the point's values;
    CheckpointError where they are not those that were frozen.
    """
    found: dict[str, str] = {}
    by_number = {point.number: point for point in points}
    jobs, running = list(_jobs(folder, points)), 0
    died = set[int]()
    while (jobs or running) and not stopping():
        while jobs and running < engine.capacity:
            engine.submit(jobs.pop(0))
            running += 1
        for event in engine.poll(POLL_SECONDS):
            if event.kind == "finished":
                found |= event.fields["data"]
            elif event.kind == "lost" and event.job.point not in died:  # perhaps it was killed
                died.add(event.job.point)
                jobs.append(event.job)
            elif not stopping():
                raise _error(event, by_number[event.job.point])
            running -= 1
    frozen = folder.record().get("data") or {}
    _refuse_changes(frozen, found)
    if not stopping() and found.keys() - frozen.keys():
        folder.update(data=frozen | found)
    return frozen | found


def _jobs(folder: SweepFolder, points: Sequence[Point]) -> Iterator[Job]:
    """One for each kind of data."""
    seen = list[Any]()
    for point in points:
        settings = load_config(folder.path / "base.yaml", point.overrides).experiment
        kind = (settings.data, settings.task)
        if kind not in seen:
            seen.append(kind)
            yield Job("check", point.number, point.overrides)


def _error(event: Event, point: Point) -> RnnexpError:
    """What stands against a point, with its values; of the class that its exit code names."""
    if event.kind == "lost":
        return MemoryExceededError(f"trial {point.number} ({point.told}): {event.message}")
    names = ("code", "message", "key", "hint")
    first: Mapping[str, Any] = event.fields["errors"][0]
    known = {name: first.get(name) for name in names}
    message = f"trial {point.number} ({point.told}): {known['message']}"
    code = event.fields["exit"]
    problem = Problem(
        str(known["code"] or "DAT001"), message, key=known["key"], hint=known["hint"], exit=code
    )
    kinds = {kind.exit_code: kind for kind in RnnexpError.__subclasses__()}
    return kinds.get(code, DataError)(problem)


def _refuse_changes(frozen: Mapping[str, str], found: Mapping[str, str]) -> None:
    changed = [path for path, sha256 in found.items() if frozen.get(path, sha256) != sha256]
    if changed:
        hint = "put the old file back, or sweep anew under another name"
        raise CheckpointError(
            [
                Problem(
                    "SWP113",
                    f"{path} has changed since the sweep was frozen",
                    value=found[path],
                    allowed=f"SHA-256 {frozen[path]}",
                    hint=hint,
                )
                for path in changed
            ]
        )


# A sweep, run: points to the engine, what comes back to the folder and to whoever watches.
#
# Whatever happened is read from the folder when it starts, so that a sweep that was stopped,
# killed or merged from two half-done copies goes on with what is missing, and with nothing else.

LIVES = 2
"""a trial whose worker died goes on in another one; after so many deaths it has failed"""
POLL_SECONDS = 0.1
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Watcher(Protocol):
    """Who looks on: a terminal, a test."""

    def began(self, path: Path, total: int, done: int) -> None:
        """The sweep starts; so many of its points are done already."""

    def happened(self, point: Point, event: Event) -> None:
        """Something happened to a point."""

    def noted(self, text: str) -> None:
        """One line for people."""

    def idle(self) -> None:
        """Nothing happened for a moment."""


@dataclass
class Result:
    """Numbers of points. failed: what is wrong with each point that has no result."""

    path: Path
    finished: set[int] = field(default_factory=set)
    pruned: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)

    @property
    def settled(self) -> set[int]:
        """The points that need nothing more."""
        return self.finished | self.pruned | self.failed.keys()


def conduct(
    folder: SweepFolder,
    engine: Engine,
    watcher: Watcher,
    search: Search | None = None,
    *,
    fail_fast: bool = False,
    retry_failed: bool = False,
) -> Result:
    """Run every point that has no result yet; the caller holds the sweep.

    search: where the points are not all known; `total` of them there will be.

    Raises:
        InterruptedRunError: a signal asked to stop; what ran has saved a checkpoint.
        StorageError: a trial cannot write.
        RnnexpError: the data of a point cannot be used; nothing was trained.
    """
    clear_litter(folder.trials, {point.number for point in folder.points()})
    return _Conductor(folder, engine, watcher, search, fail_fast, retry_failed).run()


def settle(folder: SweepFolder, trials: Mapping[int, Trial]) -> Result:
    """What became of each point, as the folder tells it. trials: the run that counts for each."""
    result, failures = Result(folder.path), folder.failures()
    for number in {*trials, *failures}:
        trial = trials.get(number)
        if trial is not None and trial.state == "finished":
            result.finished.add(number)
        elif trial is not None and trial.state == "pruned":
            result.pruned.add(number)
        elif number in failures:
            result.failed[number] = str(failures[number].get("message"))
        elif trial is not None and trial.state in ("diverged", "failed"):
            status = read_json(trial.path / "status.json") or {}
            result.failed[number] = str(status.get("error") or trial.state)
    return result


class _Conductor:
    def __init__(  # noqa: PLR0917
        self,
        folder: SweepFolder,
        engine: Engine,
        watcher: Watcher,
        search: Search | None,
        fail_fast: bool,
        retry_failed: bool,
    ) -> None:
        self.folder, self.engine, self.watcher = folder, engine, watcher
        self.fail_fast = fail_fast
        self.points = {point.number: point for point in folder.points()}
        self.trials = best_trials(folder.trials)
        self.result = settle(folder, self.trials)
        if retry_failed:
            for number in self.result.failed:
                folder.forget_failure(number)
            self.result.failed.clear()
        left = [point for n, point in self.points.items() if n not in self.result.settled]
        self.search = search or Listed(left)
        self.again = left if search is not None else []
        self.prunable = search is not None
        self.data: dict[str, str] = {}
        self.deaths: dict[int, int] = {}
        self.running = set[int]()
        self.stopped_by = 0
        self.fatal: StorageError | None = None

    def run(self) -> Result:
        if self._nothing_left:
            self._began()
            return self._ended()
        with self._signals():
            try:
                open_points = [p for n, p in self.points.items() if n not in self.result.settled]
                self.engine.warm_up(self.search.total if self.prunable else len(open_points))
                self.data = check_data(self.folder, self.engine, open_points, self._stopping)
                self.folder.update(state="running")
                self._began()
                self._loop()
            finally:
                self.engine.close()
        return self._ended()

    def _began(self) -> None:
        total = self.search.total if self.prunable else len(self.points)
        self.watcher.began(self.folder.path, total, len(self.result.settled))

    def _loop(self) -> None:
        while True:
            self._fill()
            if not self.running and (self._stopping() or self._nothing_left):
                return
            events = self.engine.poll(POLL_SECONDS)
            for event in events:
                self._take(event)
            if not events:
                self.watcher.idle()

    @property
    def _nothing_left(self) -> bool:
        return self.search.exhausted and not self.again

    def _stopping(self) -> bool:
        return bool(self.stopped_by or self.fatal or (self.fail_fast and self.result.failed))

    def _fill(self) -> None:
        """Give the engine as much as it can take."""
        while len(self.running) < self.engine.capacity and not self._stopping():
            point = self.again.pop(0) if self.again else self.search.next()
            if point is None:
                return
            self.points[point.number] = point
            self.running.add(point.number)
            self.engine.submit(self._job(point))

    def _job(self, point: Point) -> Job:
        """Go on with the run that the point has, or begin one."""
        trial = self.trials.get(point.number)
        if trial is not None and trial.resumable:
            return Job("resume", point.number, run=trial.path, prunable=self.prunable)
        return Job(
            "train",
            point.number,
            point.overrides,
            point.trial(),
            prunable=self.prunable,
            data=self.data,
        )

    def _take(self, event: Event) -> None:
        point = self.points[event.job.point]
        if event.kind == "validated" and event.job.prunable:
            metrics = event.fields["metrics"]
            self.engine.answer(event.job, self.search.goes_on(point, event.fields["step"], metrics))
        if event.kind in ("finished", "pruned", "interrupted", "failed", "lost"):
            self.running.discard(point.number)
            self._done(point, event)
        self.watcher.happened(point, event)

    def _done(self, point: Point, event: Event) -> None:
        number = point.number
        match event.kind:
            case "finished":
                summary = event.fields["summary"]
                self.result.finished.add(number)
                self.search.told(point, summary["metrics"].get(summary["monitor"]))
            case "pruned":
                self.result.pruned.add(number)
                self.search.told(point, None)
            case "failed" if event.fields["exit"] == StorageError.exit_code:
                hint = event.fields["errors"][0].get("hint")
                self.fatal = StorageError(f"trial {number}: {event.message}", hint=hint)
                self.engine.cancel()
            case "failed":
                self._failed(point, event.message, event.fields["exit"])
            case _ if not self._stopping():
                self._died(point, event.fields.get("reason", "it was stopped from outside"))

    def _died(self, point: Point, reason: str) -> None:
        """Its worker is gone: once more, from its checkpoint, in another one."""
        deaths = self.deaths[point.number] = self.deaths.get(point.number, 0) + 1
        if deaths >= LIVES:
            self._failed(point, reason, MemoryExceededError.exit_code)
        else:
            self.trials |= best_trials(self.folder.trials, point.number)
            self.again.insert(0, point)
            self.watcher.noted(f"trial {point.number}: {reason}; it goes on in another process")

    def _failed(self, point: Point, message: str, code: int) -> None:
        self.result.failed[point.number] = message
        failure = {"point": point.number, "exit": code, "message": message}
        self.folder.fail(point.number, failure)
        self.search.told(point, None)
        if self.fail_fast:
            self.engine.cancel()

    def _ended(self) -> Result:
        done = self._nothing_left and not self._stopping()
        with suppress(StorageError):
            self.folder.update(state="finished" if done else "interrupted")
        if self.fatal is not None:
            raise self.fatal
        if self.stopped_by:
            finished = len(self.result.finished | self.result.pruned)
            message = f"stopped by a signal; {finished} trials are done"
            hint = f"the same command, or rnnexp sweep {self.folder.path}, goes on from there"
            raise InterruptedRunError(message, self.stopped_by, hint)
        return self.result

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """The first lets every trial save; the second ends the workers at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def remember(number: int, frame: Any) -> None:
            stop = self.engine.kill if self.stopped_by else self.engine.cancel
            self.stopped_by = number
            stop()

        before = {number: signal.signal(number, remember) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


# A sweep from its folder to its end: held, checked against what was frozen, conducted.

EngineMaker = Callable[[SweepFolder], Engine]


def local(workers: int) -> EngineMaker:
    """Makes an engine of so many processes on this machine."""

    def make(folder: SweepFolder) -> Engine:
        return LocalEngine(workers, folder.path, folder.lock_descriptor)

    return make


def run_sweep(
    folder: SweepFolder,
    engine: EngineMaker,
    watcher: Watcher,
    *,
    fail_fast: bool = False,
    retry_failed: bool = False,
    allow_drift: bool = False,
) -> Result:
    """Run what the sweep in `folder` lacks. Raises as `conduct`, and BusyError, CheckpointError."""
    folder = SweepFolder.open(folder.path)
    with held(folder):
        if folder.record().get("state") != "finished" or retry_failed:
            for text in refuse_other_code(folder, allow_drift):
                watcher.noted(text)
        try:
            return conduct(
                folder,
                engine(folder),
                watcher,
                _search(folder, definition_of(folder)),
                fail_fast=fail_fast,
                retry_failed=retry_failed,
            )
        except RnnexpError:
            if folder.record().get("state") == "new":  # nothing was trained
                folder.discard()
            raise


def definition_of(folder: SweepFolder) -> Definition:
    """What was asked for. Raises CheckpointError: sweep.json is damaged."""
    record = folder.record()
    try:
        return Definition.from_json(record["name"], folder.path / "base.yaml", record["definition"])
    except (KeyError, TypeError):
        raise CheckpointError(f"{folder.path / 'sweep.json'} is damaged", code="SWP114") from None


def _search(folder: SweepFolder, definition: Definition) -> Search | None:
    if definition.method.name != "tpe":
        return None
    from rnnexp.sweeps.tpe import Suggested

    settings = load_config(folder.path / "base.yaml").experiment
    trials = best_trials(folder.trials)
    training = settings.training
    return Suggested(
        definition,
        settings.seed,
        (training.mode or ("max" if larger_is_better(training.monitor) else "min")) == "max",
        training.monitor,
        folder.points(),
        _values(folder, trials),
        folder.add_point,
    )


def _values(folder: SweepFolder, trials: Mapping[int, Trial]) -> dict[int, float | None]:
    """What came of the points that are done."""
    done = settle(folder, trials).settled
    return {number: trials[number].value if number in trials else None for number in done}
