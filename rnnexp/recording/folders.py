"""The folders of runs and of sweeps, found by looking; links are passed over."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["FOLDER_NAME", "TRIALS", "is_run", "is_sweep", "run_paths", "sweep_paths", "time_in"]

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
