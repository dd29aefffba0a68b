"""Finding runs and telling how they are, from status.json and summary.json alone.

No database and no links: what is in the folder is what there is.
"""

from __future__ import annotations

import difflib
import os
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rnnexp.errors import CommandError, Problem, UnsafeError
from rnnexp.recording.text_files import read_json

__all__ = ["RunRow", "find_run", "list_runs", "read_run", "runs_folder"]

FOLDER_NAME = re.compile(r"(\d{8}-\d{6})-(.+)-[0-9a-f]{6}", re.ASCII)
CLOCK_SECONDS = 2.0  # the kernel tells when it was booted in whole seconds


@dataclass(frozen=True)
class RunRow:
    """One run in a table.

    state: as in status.json, or `dead` (running, but its process is gone), or `damaged`.
    monitor: the metric that chose the best checkpoint, and `best`, its value there.
    metrics, baselines: as in summary.json, empty before the end.
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
    summary: Mapping[str, Any] = field(default_factory=dict)
    warning: str | None = None

    @property
    def test_metric(self) -> str | None:
        """The test metric to show: the monitored one's twin, or else the first there is."""
        twin = f"test/{(self.monitor or '').partition('/')[2]}"
        names = [name for name in self.metrics if name.startswith("test/")]
        return twin if twin in names else next(iter(names), None)


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
    return [read_run(path) for path in _paths(runs)]


def read_run(path: Path) -> RunRow:
    """One run as its folder tells it."""
    warnings: list[str] = []
    status = _read(path / "status.json", warnings) or {}
    summary = _read(path / "summary.json", warnings) if (path / "summary.json").exists() else None
    match = FOLDER_NAME.fullmatch(path.name)
    record = summary or {}
    return RunRow(
        path=path,
        name=str(record.get("name") or (match[2] if match else path.name)),
        state=_state(status),
        started=_started(path.name, status),
        seconds=_number(record.get("seconds", status.get("seconds"))),
        steps=_whole(record.get("steps", status.get("step"))),
        monitor=str(record["monitor"]) if record.get("monitor") else None,
        best=_best(record),
        metrics=_numbers(record.get("metrics")),
        baselines={
            str(name): _numbers(scores)
            for name, scores in _mapping(record.get("baselines")).items()
        },
        summary=record,
        warning="; ".join(warnings) or None,
    )


def find_run(reference: str, runs: Path) -> Path:
    """The folder that a reference means: a folder, `latest`, or the beginning of a name.

    Raises CommandError (nothing of the kind, with the three nearest names; more than one).
    """
    with suppress(OSError, ValueError):  # a name too long, or with a NUL, is no folder
        if (Path(reference) / "status.json").is_file():
            return Path(reference)
    paths = _paths(runs)
    if reference == "latest" and paths:
        return paths[0]
    found = [path for path in paths if reference and path.name.startswith(reference)]
    if len(found) == 1:
        return found[0]
    raise _ambiguous(reference, found) if found else _unknown(reference, paths, runs)


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
    near = _nearest_runs(reference, names)
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


def _paths(runs: Path) -> list[Path]:
    """The run folders, the newest first."""
    with suppress(OSError), os.scandir(runs) as entries:
        names = [
            entry.name
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and _is_run(entry.path, entry.name)
        ]
        return [runs / name for name in sorted(names, key=lambda name: _age_key(runs, name))][::-1]
    return []


def _is_run(path: str, name: str) -> bool:
    return bool(FOLDER_NAME.fullmatch(name)) or Path(path, "status.json").is_file()


def _age_key(runs: Path, name: str) -> tuple[str, int]:
    """Sorts by the time in the name, and within its second by when the folder was made."""
    match = FOLDER_NAME.fullmatch(name)
    try:
        made = (runs / name / "plots").stat().st_mtime_ns if not match else 0
        made = made or (runs / name).stat().st_ctime_ns
    except OSError:
        made = 0
    return (match[1] if match else "", made)


def _read(path: Path, warnings: list[str]) -> dict[str, Any] | None:
    try:
        record = read_json(path)
    except UnsafeError as error:
        warnings.append(str(error))
        return None
    if record is None:
        warnings.append(f"{path.name} is {'damaged' if path.exists() else 'missing'}")
    return record


def _state(status: Mapping[str, Any]) -> str:
    state = status.get("state")
    if not isinstance(state, str):
        return "damaged"
    return "dead" if state == "running" and _is_gone(status) else state


def _is_gone(status: Mapping[str, Any]) -> bool:
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


def _started(name: str, status: Mapping[str, Any]) -> datetime | None:
    match = FOLDER_NAME.fullmatch(name)
    with suppress(ValueError):
        if isinstance(status.get("started"), str):
            return datetime.fromisoformat(status["started"]).astimezone(UTC)
        if match:
            return datetime.strptime(match[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    return None


def _best(summary: Mapping[str, Any]) -> float | None:
    return _number(_mapping(summary.get("metrics")).get(summary.get("monitor")))


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _numbers(value: Any) -> dict[str, float]:
    pairs = ((str(name), _number(part)) for name, part in _mapping(value).items())
    return {name: part for name, part in pairs if part is not None}


def _number(value: Any) -> float | None:
    """A number, also where JSON had to spell it as "NaN" or "Infinity"."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    with suppress(ValueError, OverflowError):
        return float(value)
    return None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
