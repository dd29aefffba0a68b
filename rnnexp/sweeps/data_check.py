"""The data of a sweep: loaded once before anything is trained, and frozen by their hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rnnexp.config.load import load_config
from rnnexp.errors import CheckpointError, DataError, MemoryExceededError, Problem, RnnexpError
from rnnexp.sweeps.engine import Engine, Event, Job
from rnnexp.sweeps.folder import SweepFolder
from rnnexp.sweeps.points import Point

__all__ = ["check_data"]

POLL_SECONDS = 0.1


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
