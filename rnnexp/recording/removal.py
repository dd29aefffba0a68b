"""Removing runs and sweeps: only what is one, never one that a process works on.

A folder is renamed to a hidden name before anything in it goes: what an interruption leaves behind
looks like no run, and the next removal beside it takes it away.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rnnexp import storage
from rnnexp.errors import CommandError, StorageError, UnsafeError
from rnnexp.reading import check_plain
from rnnexp.recording.run_folder import (
    FOLDER_NAME,
    TRIALS,
    RunFolder,
    busy_error,
    is_run,
    is_sweep,
    run_paths,
)
from rnnexp.storage import FolderLock

__all__ = ["check_removable", "remove"]

HIDDEN = ".removed-"
SWEEP_NAME = re.compile(r".+-[0-9a-f]{8}", re.ASCII)


def check_removable(path: Path) -> None:
    """Raises where `remove` would: UnsafeError (a link, or one in it), CommandError (neither a run
    nor a sweep), BusyError (a process works on it, or on a trial of it).
    """
    if path.is_symlink():
        raise UnsafeError(f"{path} is a symbolic link; what it leads to is not removed")
    if not (_looks_like_a_run(path) or _looks_like_a_sweep(path)):
        raise CommandError(
            f"{path} is not the folder of a run or of a sweep",
            code="CMD131",
            hint="rnnexp runs ls shows what there is",
        )
    check_plain(path)
    for folder in (path, *run_paths(path / TRIALS)):
        with _locked(folder):
            pass


def remove(path: Path) -> None:
    """Removes a run, or a sweep with its trials. Raises as `check_removable`, and StorageError."""
    check_removable(path)
    place = path.resolve()
    with _locked(place):
        hidden = place.with_name(f"{HIDDEN}{place.name}-{secrets.token_hex(4)}")
        storage.move_folder(place, hidden)
        storage.remove_tree(hidden)
    _remove_leftovers(place.parent)


def _remove_leftovers(folder: Path) -> None:
    """What removals left that were interrupted; one that still goes on holds its lock."""
    for left in folder.glob(f"{HIDDEN}*"):
        if left.is_dir() and not left.is_symlink():
            with suppress(BlockingIOError, StorageError):
                lock = FolderLock(left)
                try:
                    storage.remove_tree(left)
                finally:
                    lock.close()


def _looks_like_a_run(path: Path) -> bool:
    made_here = FOLDER_NAME.fullmatch(path.resolve().name) or (path / "checkpoints").is_dir()
    return path.is_dir() and is_run(path) and bool(made_here)


def _looks_like_a_sweep(path: Path) -> bool:
    made_here = SWEEP_NAME.fullmatch(path.resolve().name) or (path / TRIALS).is_dir()
    return path.is_dir() and is_sweep(path) and bool(made_here)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """The folder for this process alone. Raises BusyError."""
    try:
        lock = FolderLock(path)
    except BlockingIOError:
        raise busy_error(RunFolder(path)) from None
    try:
        yield
    finally:
        lock.close()
