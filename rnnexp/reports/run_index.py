"""What there is in a folder of runs: runs and sweeps together, the newest first."""

from __future__ import annotations

import difflib
import os
import re
import socket
import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rnnexp.errors import CommandError, Problem, RnnexpError, UnsafeError, nearest
from rnnexp.reading import check_plain, read_json
from rnnexp.recording.run_folder import (
    FOLDER_NAME,
    TRIALS,
    is_sweep,
    run_paths,
    sweep_paths,
    time_in,
)
from rnnexp.training.monitor import larger_is_better

__all__ = [
    "RunRow",
    "SweepRow",
    "each_run",
    "find_run",
    "list_runs",
    "listing",
    "names_a_sweep",
    "note_of",
    "read_run",
    "read_summary",
    "read_sweep",
    "runs_folder",
    "sweep_named",
    "trial_paths",
]


# Equal values as one object, so that many runs take the room of what differs between them.

DEEPEST = 20
"""no config is nested deeper"""


class Sharing:
    """Called with a value of JSON, gives one that is equal, and the same object for equal values.

    Lists come back as tuples. What comes back is shared: nobody may change it. Raises ValueError
    where the value is nested too deep to be a part of a config.
    """

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def __call__(self, value: Any, depth: int = 0) -> Any:
        if not isinstance(value, dict | list):
            return self._known.setdefault((type(value), value), value)
        if depth > DEEPEST:
            raise ValueError(f"nested deeper than {DEEPEST}")
        if depth != 1:
            return self._made(value, depth)
        # Most runs differ in few sections, and to spell one out is faster than to go through it.
        try:
            spelled = repr(value)
        except RecursionError as error:
            raise ValueError(f"nested deeper than {DEEPEST}") from error
        if spelled not in self._known:
            self._known[spelled] = self._made(value, depth)
        return self._known[spelled]

    def _made(self, value: dict[str, Any] | list[Any], depth: int) -> Any:
        if isinstance(value, dict):
            parts = {sys.intern(name): self(part, depth + 1) for name, part in value.items()}
            return self._known.setdefault((dict, *parts, *map(id, parts.values())), parts)
        items = tuple([self(part, depth + 1) for part in value])
        return self._known.setdefault((tuple, *map(id, items)), items)


# Whether the process that a run's status.json names is still there.

CLOCK_SECONDS = 2.0  # the kernel tells when it was booted in whole seconds


def is_gone(status: Mapping[str, Any]) -> bool:
    """Whether the process is known to have ended; on another host nobody here can tell."""
    process = status.get("pid")
    if not isinstance(process, int) or status.get("host") != socket.gethostname() or process <= 0:
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        return False
    return _began_after(process, status.get("updated"))


def _began_after(process: int, updated: Any) -> bool:
    """Whether a process is younger than what it would have written: its number was given anew.

    Read from Linux's /proc; False where there is none.
    """
    with suppress(OSError, ValueError, IndexError, StopIteration, TypeError):
        ticks = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19])
        kernel = Path("/proc/stat").read_text().splitlines()
        booted = int(next(line for line in kernel if line.startswith("btime")).split()[1])
        began = booted + ticks / os.sysconf("SC_CLK_TCK")
        return began > datetime.fromisoformat(updated).timestamp() + CLOCK_SECONDS
    return False


# Finding runs and telling how they are, from status.json and summary.json alone.
#
# No database and no links: what is in the folder is what there is.

LAST_DIGITS = re.compile(r"[0-9a-f]{6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a run is within its sweep.

    labels: the axes of the sweep that are a choice of whole sections, and which choice it is.
    labelled: the dotted keys that such a label stands for.
    """

    point: int | None
    labels: Mapping[str, str] = field(default_factory=dict)
    labelled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run in a table.

    state: as in status.json, or `dead` (running, but its process is gone), or `damaged`.
    monitor: the metric that chose the best checkpoint, and `best`, its value there.
    metrics, baselines: as in summary.json, empty before the end.
    settings: the whole config as nested JSON, lists as tuples; shared with other rows, so not to
        be changed; empty before the end, and for a run that was trained before they were kept.
    curve: the loss over the run in at most 32 numbers. trial: only of a run within a sweep.
    seconds: time spent training. started: UTC. warning: what could not be read.
    """

    path: Path
    name: str
    state: str
    started: datetime | None = None
    seconds: float | None = None
    steps: int | None = None
    monitor: str | None = None
    best: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    curve: Sequence[float] = ()
    trial: Trial | None = None
    warning: str | None = None

    @property
    def test_metric(self) -> str | None:
        """The test metric to show: the monitored one's twin, or else the first there is."""
        twin = f"test/{(self.monitor or '').partition('/')[2]}"
        names = [name for name in self.metrics if name.startswith("test/")]
        return twin if twin in names else next(iter(names), None)

    @property
    def seed(self) -> int | None:
        """The seed of its settings."""
        return _whole(self.settings.get("seed"))

    @property
    def larger(self) -> bool:
        """Whether more of the monitor is better: as its settings say, or as it is known to be."""
        mode = _mapping(self.settings.get("training")).get("mode")
        return mode == "max" if mode in ("min", "max") else larger_is_better(self.monitor or "")


def runs_folder(given: Path | None) -> Path:
    """Where runs live: as given, or as RNNEXP_RUNS says, or `runs` in the current directory.

    Raises:
        CommandError: there is something there, but not a folder.
    """
    folder = given or Path(os.environ.get("RNNEXP_RUNS") or "runs")
    if folder.exists() and not folder.is_dir():
        hint = "name a folder for the runs: --runs DIR"
        raise CommandError(f"{folder} is not a folder", code="CMD031", hint=hint)
    return folder


def list_runs(runs: Path) -> list[RunRow]:
    """Every run, the newest first. A damaged one is a row with a warning, never an error."""
    return list(each_run(run_paths(runs)))


def each_run(paths: Sequence[Path]) -> Iterator[RunRow]:
    """The runs in these folders one after the other; what is equal in them is held once."""
    shared = Sharing()
    return (read_run(path, shared) for path in paths)


def read_run(path: Path, shared: Sharing | None = None) -> RunRow:
    """One run as its folder tells it; nothing is read of one with a link in it."""
    warnings: list[str] = []
    shared = shared or Sharing()
    try:
        check_plain(path)
    except RnnexpError as error:
        name, started = shared(_config_name(path.name)), time_in(path.name)
        return RunRow(path, name, "damaged", started, warning=str(error))
    status = _read(path, "status.json", warnings) or {}
    state = _state(status)
    record = _summary(path, state, warnings)
    return RunRow(
        path=path,
        name=shared(str(record.get("name") or _config_name(path.name))),
        state=sys.intern(state),
        started=_started(path.name, status),
        seconds=_number(record.get("seconds", status.get("seconds"))),
        steps=_whole(record.get("steps", status.get("step"))),
        monitor=shared(str(record["monitor"])) if record.get("monitor") else None,
        best=_best(record),
        metrics=_numbers(record.get("metrics")),
        baselines=_baselines(record, shared, warnings),
        settings=_part(record, "settings", shared, warnings),
        curve=_curve(record.get("curve")),
        trial=_trial(_part(record or _trial_file(path), "trial", shared, warnings)),
        warning="; ".join(warnings) or None,
    )


def read_summary(path: Path) -> dict[str, Any]:
    """All of summary.json; empty where it is missing or damaged."""
    with suppress(UnsafeError):
        return read_json(path / "summary.json") or {}
    return {}


def find_run(reference: str, runs: Path) -> Path:
    """The folder that a reference means: a folder, `latest`, the beginning of a name or the six
    digits at its end, or `SWEEP/TRIAL`, where each is given like that.

    Raises CommandError (nothing of the kind, with the three nearest names; more than one),
    UnsafeError (something in it is a link, a FIFO or a device).
    """
    path = _run_named(reference, runs)
    check_plain(path)
    return path


def _run_named(reference: str, runs: Path) -> Path:
    with suppress(ValueError):  # a name with a NUL is no folder
        if os.path.lexists(Path(reference) / "status.json"):
            return Path(reference)
    if trials := _trials_of(reference, runs):
        return _run_named(Path(reference).name, trials)
    paths = run_paths(runs)
    if reference == "latest" and paths:
        return paths[0]
    found = [path for path in paths if reference and path.name.startswith(reference)]
    if not found and LAST_DIGITS.fullmatch(reference):
        found = [path for path in paths if path.name.endswith(f"-{reference}")]
    if len(found) == 1:
        return found[0]
    if not found and (sweep := find_sweep(reference, runs)):
        raise _a_sweep(reference, sweep)
    raise _ambiguous(reference, found) if found else _unknown(reference, paths, runs)


def find_sweep(reference: str, runs: Path) -> Path | None:
    """The folder of the sweep that a reference means: a folder, or the beginning of a name.

    Raises CommandError (more than one begins like that), UnsafeError (something in it is a link, a
    FIFO or a device).
    """
    path = sweep_known_as(reference, runs)
    if path is not None:
        check_plain(path)
    return path


def sweep_known_as(reference: str, runs: Path) -> Path | None:
    """As `find_sweep`, whatever is in it: to be listed."""
    with suppress(OSError, ValueError):
        if reference and is_sweep(Path(reference)):
            return Path(reference)
    found = [path for path in sweep_paths(runs) if reference and path.name.startswith(reference)]
    if len(found) > 1:
        raise _ambiguous(reference, found)
    return found[0] if found else None


def _trials_of(reference: str, runs: Path) -> Path | None:
    """The trials of the sweep before the slash of `SWEEP/TRIAL`."""
    sweep, slash, trial = reference.rstrip("/").rpartition("/")
    if not (slash and sweep and trial):
        return None
    found = find_sweep(sweep.removesuffix(f"/{TRIALS}"), runs)
    return found / TRIALS if found else None


def _a_sweep(reference: str, sweep: Path) -> CommandError:
    trials = [path.name for path in run_paths(sweep / TRIALS)]
    return CommandError(
        Problem(
            code="CMD112",
            message=f"this is a sweep of {len(trials)} trials, not one run",
            key="run",
            value=reference,
            allowed=", ".join(trials[:3]) + (", ..." if len(trials) > 3 else "") or None,
            hint=f"name one of its trials: {sweep.name}/TRIAL; rnnexp runs ls {sweep.name}"
            " shows them",
        )
    )


def _ambiguous(reference: str, found: list[Path]) -> CommandError:
    names = ", ".join(path.name for path in found[:3]) + (", ..." if len(found) > 3 else "")
    return CommandError(
        Problem(
            code="CMD111",
            message=f"{len(found)} runs begin like that",
            key="run",
            value=reference,
            allowed=names,
            hint="give more letters of the name, or `latest`",
        )
    )


def _unknown(reference: str, paths: list[Path], runs: Path) -> CommandError:
    names = [path.name for path in paths]
    near = _nearest_runs(reference, [*names, *(path.name for path in sweep_paths(runs))])
    there = f"there are {len(names)} runs" if names else "there are no runs"
    return CommandError(
        Problem(
            code="CMD110",
            message=f"no such run; {there} in {runs}",
            key="run",
            value=reference,
            suggestion=near[0] if near else None,
            allowed=", ".join(near) or None,
            hint="a run is given by its folder, the beginning of its name, or `latest`;"
            " rnnexp runs ls shows them",
        )
    )


def _nearest_runs(reference: str, names: list[str]) -> list[str]:
    """Three names: those that contain the reference, then those most like it."""
    word = Path(reference).name
    if names and difflib.get_close_matches(word, ["latest"]):
        return ["latest"]
    within = [name for name in names if word and word in name]
    close = difflib.get_close_matches(word[:200], names[:1000], n=3, cutoff=0.4)
    by_config = {
        match[2]: name for name in reversed(names) if (match := FOLDER_NAME.fullmatch(name))
    }
    like = [by_config[name] for name in difflib.get_close_matches(word, by_config, n=3)]
    return list(dict.fromkeys(within + like + close))[:3]


def _summary(path: Path, state: str, warnings: list[str]) -> dict[str, Any]:
    if not os.path.lexists(f"{path}/summary.json"):
        if state == "finished":
            warnings.append("summary.json is missing")
        return {}
    return _read(path, "summary.json", warnings) or {}


def _read(path: Path, name: str, warnings: list[str]) -> dict[str, Any] | None:
    try:
        record = read_json(path / name)
    except UnsafeError as error:
        warnings.append(str(error))
        return None
    if record is None:
        warnings.append(f"{name} is {'damaged' if (path / name).exists() else 'missing'}")
    return record


def _part(
    record: Mapping[str, Any], name: str, shared: Sharing, warnings: list[str]
) -> Mapping[str, Any]:
    """A part of a summary that is an object, shared with other runs that have the same."""
    value = record.get(name)
    if value is None:
        return {}
    with suppress(ValueError):
        if isinstance(value, dict):
            return shared(value)  # type: ignore[no-any-return]
    warnings.append(f"summary.json is damaged: {name}")
    return {}


def _baselines(
    record: Mapping[str, Any], shared: Sharing, warnings: list[str]
) -> Mapping[str, Mapping[str, float]]:
    known = {name: _numbers(scores) for name, scores in _mapping(record.get("baselines")).items()}
    return _part({"baselines": known}, "baselines", shared, warnings)


def _trial_file(path: Path) -> Mapping[str, Any]:
    """What a run that has not finished says of its place in a sweep."""
    with suppress(UnsafeError):
        return {"trial": read_json(path / "trial.json")}
    return {}


def _trial(record: Mapping[str, Any]) -> Trial | None:
    if not record:
        return None
    return Trial(
        point=_whole(record.get("point")),
        labels={axis: str(label) for axis, label in _mapping(record.get("labels")).items()},
        labelled={
            axis: tuple(map(str, keys))
            for axis, keys in _mapping(record.get("labelled")).items()
            if isinstance(keys, tuple)
        },
    )


def _curve(values: Any) -> Sequence[float]:
    """As an array, which takes a quarter of a list's room."""
    if not isinstance(values, list):
        return ()
    with suppress(TypeError, OverflowError):
        return array("d", values)
    return array("d", (value for value in map(_number, values) if value is not None))


def _config_name(folder: str) -> str:
    match = FOLDER_NAME.fullmatch(folder)
    return match[2] if match else folder


def _state(status: Mapping[str, Any]) -> str:
    state = status.get("state")
    if not isinstance(state, str):
        return "damaged"
    return "dead" if state == "running" and is_gone(status) else state


def _started(name: str, status: Mapping[str, Any]) -> datetime | None:
    with suppress(ValueError, OverflowError):
        if isinstance(status.get("started"), str):
            return datetime.fromisoformat(status["started"]).astimezone(UTC)
    return time_in(name)


def _best(summary: Mapping[str, Any]) -> float | None:
    return _number(_mapping(summary.get("metrics")).get(str(summary.get("monitor"))))


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}


def _numbers(value: Any) -> dict[str, float]:
    pairs = ((sys.intern(str(name)), _number(part)) for name, part in _mapping(value).items())
    return {name: part for name, part in pairs if part is not None}


def _number(value: Any) -> float | None:
    """A number, also where JSON had to spell it as "NaN" or "Infinity"."""
    if type(value) is float:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    with suppress(ValueError, OverflowError):
        return float(value)
    return None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


# A sweep as its folder tells it: what it was to try, and how far its trials are.


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One sweep in a table.

    state: as in sweep.json, or `damaged`. method: grid, random or tpe. points: how many there are.
    axes: the dotted keys, or names of choices, that it goes through. trials: how many of its trials
    are in which state. best: the trial that validated best, by the metric it was to watch.
    """

    path: Path
    name: str
    state: str
    method: str | None = None
    points: int | None = None
    axes: tuple[str, ...] = ()
    started: datetime | None = None
    note: str | None = None
    trials: Mapping[str, int] = field(default_factory=dict)
    best: RunRow | None = None
    warning: str | None = None

    @property
    def done(self) -> int:
        """Trials that have finished, or were stopped as others were better."""
        return self.trials.get("finished", 0) + self.trials.get("pruned", 0)

    @property
    def total(self) -> int:
        """Trials that there are to be."""
        return sum(self.trials.values()) if self.points is None else self.points


def trial_paths(sweep: Path) -> list[Path]:
    """The folders of a sweep's trials, the newest first."""
    return [] if (sweep / TRIALS).is_symlink() else run_paths(sweep / TRIALS)


def names_a_sweep(reference: str, runs: Path) -> Path | None:
    """The sweep that a reference means where it means no run. Raises CommandError."""
    with suppress(OSError, ValueError):
        if os.path.lexists(Path(reference) / "status.json"):
            return None
    if any(reference and path.name.startswith(reference) for path in run_paths(runs)):
        return None
    return find_sweep(reference, runs)


def sweep_named(reference: str, runs: Path) -> Path:
    """The folder of the sweep that a reference means. Raises CommandError where it means none."""
    found = sweep_known_as(reference, runs)
    if found is not None:
        return found
    names = [path.name for path in sweep_paths(runs)]
    near = nearest(reference, names, 0.4)
    raise CommandError(
        Problem(
            code="CMD113",
            message=f"no such sweep; there are {len(names) or 'none'} in {runs}",
            key="sweep",
            value=reference,
            suggestion=near,
            allowed=", ".join(names[:3]) + (", ..." if len(names) > 3 else "") or None,
            hint="a sweep is given by its folder or the beginning of its name",
        )
    )


def note_of(sweep: Path) -> str | None:
    """What a reader of the sweep's results must know."""
    return _text(_record(sweep)[0].get("note"))


def read_sweep(path: Path) -> SweepRow:
    """One sweep with its trials counted."""
    record, warning = _record(path)
    best, states = None, Counter[str]()
    for row in each_run(trial_paths(path)):
        states[row.state] += 1
        best = row if _better(row, best) else best
    return SweepRow(
        path=path,
        name=str(record.get("name") or path.name),
        state=str(record.get("state") or "damaged"),
        method=_text(record.get("method")),
        points=_whole(record.get("points")),
        axes=_axes(record.get("axes")),
        started=_time(record.get("started")),
        note=_text(record.get("note")),
        trials=dict(states),
        best=best,
        warning=warning,
    )


def _record(path: Path) -> tuple[dict[str, Any], str | None]:
    try:
        check_plain(path, levels=2)  # what is in a trial is for its own row
        record = read_json(path / "sweep.json")
    except RnnexpError as error:
        return {}, str(error)
    return (record, None) if record is not None else ({}, "sweep.json is damaged")


def _better(row: RunRow, best: RunRow | None) -> bool:
    """Whether a trial is the best so far; a value that is not a number never is."""
    if row.state != "finished" or row.best is None or row.best != row.best:
        return False
    if best is None or best.best is None or best.monitor != row.monitor:
        return best is None
    return row.best > best.best if row.larger else row.best < best.best


def _axes(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _text(value: Any) -> str | None:
    return str(value) if value else None


def _time(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


# What there is in a folder of runs: runs and sweeps together, the newest first.

LONG_AGO = datetime.min.replace(tzinfo=UTC)


def listing(folder: Path, newest: int = 0) -> tuple[list[RunRow | SweepRow], int]:
    """The newest runs and sweeps (all for 0), and how many older ones there are."""
    paths = run_paths(folder)
    kept = paths[:newest] if newest else paths
    sweeps = [read_sweep(path) for path in sweep_paths(folder)]
    rows = _together(list(each_run(kept)), sweeps)
    shown = rows[:newest] if newest else rows
    return shown, len(paths) + len(sweeps) - len(shown)


def _together(runs: Sequence[RunRow], sweeps: Sequence[SweepRow]) -> list[RunRow | SweepRow]:
    """Each sweep before the first run that began before it; the runs stay in their order."""
    waiting = sorted(sweeps, key=lambda sweep: sweep.started or LONG_AGO)
    rows: list[RunRow | SweepRow] = []
    for run in runs:
        while waiting and (waiting[-1].started or LONG_AGO) > (run.started or LONG_AGO):
            rows.append(waiting.pop())
        rows.append(run)
    return rows + waiting[::-1]
