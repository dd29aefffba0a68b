"""The hashes of a finished run's files, so that anyone can tell that they are what it wrote."""

from __future__ import annotations

import os
import re
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Literal

from rnnexp import storage
from rnnexp.errors import (
    BusyError,
    CheckpointError,
    ConfigError,
    Problem,
    StorageError,
    UnsafeError,
)
from rnnexp.reading import check_plain, read_json, sha256

__all__ = [
    "FOLDER_NAME",
    "SEAL",
    "TRIAL",
    "TRIALS",
    "RunFolder",
    "State",
    "break_seal",
    "broken_files",
    "busy_error",
    "is_run",
    "is_sweep",
    "run_paths",
    "seal",
    "sweep_paths",
    "time_in",
]


# The folder of one run: who made it, what was asked for, everything that happened.

State = Literal["running", "finished", "interrupted", "failed", "diverged", "pruned"]

NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
ATTEMPTS = 100
SUBFOLDERS = ("checkpoints", "plots")
TRIAL = "trial.json"
"""in a trial of a sweep: which point of it the run is; it is summed up there and draws nothing"""


class RunFolder:
    """`runs/<UTC yyyymmdd-hhmmss>-<name>-<6 hex>/`, made by `create`, met again by `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: storage.FolderLock | None = None

    @classmethod
    def create(cls, runs: Path, name: str) -> RunFolder:
        """Makes a folder that is this run's alone, however many start at the same instant.

        Raises ConfigError (a name that is not a plain file name), StorageError.
        """
        _check_name(name)
        storage.ensure_folder(runs)
        folder = cls(_create_unique(runs, name))
        try:
            folder._lock = storage.FolderLock(folder.path)
            for part in SUBFOLDERS:
                storage.create_folder(folder.path / part)
            folder.set_status("running", started=_now())
        except StorageError:
            folder.discard()
            raise
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The run in `path`, to be read.

        Raises CheckpointError (there is none), UnsafeError (something in it is a link, a FIFO or a
        device).
        """
        if not os.path.lexists(path / "status.json"):
            raise CheckpointError(f"{path} is not the folder of a run: it has no status.json")
        check_plain(path)
        return cls(path)

    @classmethod
    def reopen(cls, path: Path) -> RunFolder:
        """The run in `path`, to be gone on with by this process alone.

        Raises as `open`, and BusyError (a process works on it).
        """
        folder = cls.open(path)
        try:
            folder._lock = storage.FolderLock(path)
        except BlockingIOError:
            raise busy_error(folder) from None
        return folder

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @cached_property
    def metrics(self) -> storage.AppendLog:
        """metrics.jsonl, one JSON object a line."""
        return storage.AppendLog(self.path / "metrics.jsonl")

    @cached_property
    def _train_log(self) -> storage.AppendLog:
        return storage.AppendLog(self.path / "train.log")

    def log(self, text: str) -> None:
        """Adds a line for people to train.log, with the time in UTC."""
        self._train_log.append_line(f"{_now()} {text}")

    def write_text(self, name: str, text: str) -> None:
        """Puts a file in the folder, whole or not at all; `name` may be `plots/loss.txt`."""
        storage.write_text(self._inside(name), text)

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Puts a JSON file in the folder, whole or not at all."""
        storage.write_json(self._inside(name), value)

    def write_bytes(self, name: str, data: bytes) -> None:
        """Puts a file in the folder, whole or not at all."""
        storage.write_bytes(self._inside(name), data)

    def write_together(self, files: Mapping[str, str | Mapping[str, Any]]) -> None:
        """Puts several text or JSON files in the folder itself, each whole or not at all."""
        for name in files:
            assert self._inside(name).parent == self.path
        storage.write_files(self.path, {name: storage.encoded(files[name]) for name in files})

    def set_status(self, state: State, **fields: Any) -> None:
        """Says in status.json what the run is doing, and which process does it.

        Fields given earlier stay (the time of the start among them).
        """
        status = {**self.status(), "state": state, **fields}
        status |= {"pid": os.getpid(), "host": socket.gethostname(), "updated": _now()}
        self.write_json("status.json", status)

    def status(self) -> dict[str, Any]:
        """What status.json says; empty where it is missing or damaged."""
        return read_json(self.path / "status.json") or {}

    def close(self) -> None:
        """Syncs and closes the logs, and lets others have the run."""
        with ExitStack() as closing:
            if self._lock is not None:
                closing.callback(self._lock.close)
                self._lock = None
            for name in ("metrics", "_train_log"):
                log: storage.AppendLog | None = self.__dict__.pop(name, None)
                if log is not None:
                    closing.callback(log.close)

    def discard(self) -> None:
        """Removes the folder: nothing trained in it."""
        self.close()
        storage.remove_tree(self.path)

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _inside(self, name: str) -> Path:
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or name.startswith("/") or "\0" in name:
            raise UnsafeError(f"{name!r} is not a name inside the run folder")
        path = self.path.joinpath(*parts)
        if path.parent.resolve() != self.path.resolve().joinpath(*parts[:-1]):
            raise UnsafeError(f"{path} leads out of the run folder through a symbolic link")
        return path


def busy_error(folder: RunFolder) -> BusyError:
    """What to raise where another process holds the lock of a run."""
    status = folder.status()
    return BusyError(
        f"{folder.path} is being worked on by process {status.get('pid', '?')} on"
        f" {status.get('host', '?')}, since {status.get('updated', '?')}",
        hint="wait for it, or stop that process first",
    )


def _check_name(name: str) -> None:
    if not re.fullmatch(NAME_PATTERN, name, re.ASCII):
        problem = Problem(
            code="CFG010",
            message="not a name that a folder can carry everywhere",
            key="name",
            value=name,
            allowed=f"{NAME_PATTERN} (a letter or digit, then up to 63 of letters, digits, . _ -)",
        )
        raise ConfigError(problem)


def _create_unique(runs: Path, name: str) -> Path:
    for _ in range(ATTEMPTS):
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        path = runs / f"{stamp}-{name}-{secrets.token_hex(3)}"
        try:
            storage.create_folder(path)
        except StorageError as error:
            if not isinstance(error.__cause__, FileExistsError):
                raise
        else:
            return path
    raise StorageError(f"no free name for a run in {runs} after {ATTEMPTS} attempts")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# The folders of runs and of sweeps, found by looking; links are passed over.

FOLDER_NAME = re.compile(r"(\d{8}-\d{6})-(.+)-[0-9a-f]{6}", re.ASCII)
TRIALS = "trials"
"""the folder within a sweep that holds its runs"""


def is_run(path: Path) -> bool:
    """Whether a folder is that of a run: by its name, or by what is in it."""
    return bool(FOLDER_NAME.fullmatch(path.name)) or (path / "status.json").is_file()


def is_sweep(path: Path) -> bool:
    """Whether a folder is that of a sweep."""
    return (path / "sweep.json").is_file() and not (path / "status.json").is_file()


def run_paths(folder: Path) -> list[Path]:
    """The folders of runs in a folder, the newest first."""
    return sorted(filter(is_run, _folders(folder)), key=_age_key)[::-1]


def sweep_paths(folder: Path) -> list[Path]:
    """The folders of sweeps in a folder, in the order of their names."""
    others = (path for path in _folders(folder) if not FOLDER_NAME.fullmatch(path.name))
    return sorted(filter(is_sweep, others))


def time_in(name: str) -> datetime | None:
    """The time that the name of a run's folder tells, in UTC."""
    match = FOLDER_NAME.fullmatch(name)
    with suppress(ValueError):
        return datetime.strptime(match[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC) if match else None
    return None


def _folders(folder: Path) -> list[Path]:
    with suppress(OSError), os.scandir(folder) as entries:
        return [
            folder / entry.name
            for entry in entries
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
        ]
    return []


def _age_key(path: Path) -> tuple[str, int]:
    """Sorts by the time in the name, and within its second by when the folder was made."""
    match = FOLDER_NAME.fullmatch(path.name)
    try:
        made = (path / "plots").stat().st_mtime_ns if not match else 0
        made = made or path.stat().st_ctime_ns
    except OSError:
        made = 0
    return (match[1] if match else "", made)


# The hashes of a finished run's files, so that anyone can tell that they are what it wrote.

SEAL = "files.json"
LIVING = {
    SEAL, "status.json", "train.log", "compare_manual.json", "diagnosis.json", "report.html",
}  # fmt: skip
"""what is written later too: by `resume`, `compare-manual`, `diagnose`, `runs report`"""


def seal(run: Path) -> None:
    """Write `files.json`: size and SHA-256 of what a run says of itself. Checkpoints carry their
    own, and pictures can be drawn again. Raises StorageError.
    """
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(_sealed(run))
    }
    storage.write_json(run / SEAL, {"files": files})


def break_seal(run: Path) -> None:
    """Remove it: the run goes on. Raises StorageError."""
    if (run / SEAL).exists():
        storage.remove_file(run / SEAL)


def broken_files(run: Path) -> Iterator[str]:
    """What is not as it was sealed, a sentence each; a run that has not finished has no seal.

    Raises CheckpointError (files.json is not a list of hashes), UnsafeError (a name in it leads out
    of the run).
    """
    record = read_json(run / SEAL)
    if record is None:
        if (run / SEAL).exists():
            yield f"{SEAL} is damaged"
        return
    for name, expected in _hashes(run / SEAL, record).items():
        if not (run / name).is_file():
            yield f"{name} is missing"
        elif sha256(run / name) != expected:
            yield f"{name} has changed since the run finished: expected {expected}"


def _hashes(path: Path, record: Mapping[str, Any]) -> dict[str, str]:
    """The SHA-256 of each file by its name."""
    try:
        hashes = {name: str(each["sha256"]) for name, each in record["files"].items()}
    except (KeyError, TypeError, AttributeError):
        raise CheckpointError(
            f"{path} does not say which files the run had",
            code="CKP115",
            hint="train again, or ask for the run as it was; nothing else in it can be trusted",
        ) from None
    for name in hashes:
        if "/" in name or "\0" in name or name in ("", ".", "..") or len(os.fsencode(name)) > 255:
            raise UnsafeError(
                f"{path} names {name!r}, which is not a file in the run's folder",
                hint="nothing of it was opened; do not use this run",
            )
    return hashes


def _sealed(run: Path) -> Iterator[Path]:
    for path in run.iterdir():
        hidden = path.name.startswith(".")
        if path.is_file() and not path.is_symlink() and not hidden and path.name not in LIVING:
            yield path
