"""The hashes of a finished run's files, so that anyone can tell that they are what it wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rnnexp import storage
from rnnexp.reading import sha256
from rnnexp.recording.text_files import read_json

__all__ = ["SEAL", "break_seal", "broken_files", "seal"]

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
    """What is not as it was sealed, a sentence each; a run that has not finished has no seal."""
    record = read_json(run / SEAL)
    if record is None:
        if (run / SEAL).exists():
            yield f"{SEAL} is damaged"
        return
    for name, expected in record.get("files", {}).items():
        path = run / name
        if path.is_symlink() or not path.is_file():
            yield f"{name} is missing"
        elif sha256(path) != expected["sha256"]:
            yield f"{name} has changed since the run finished: expected {expected['sha256']}"


def _sealed(run: Path) -> Iterator[Path]:
    for path in run.iterdir():
        hidden = path.name.startswith(".")
        if path.is_file() and not path.is_symlink() and not hidden and path.name not in LIVING:
            yield path
