"""What a result may depend on besides the config: versions, machine, threads, source state."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from rnnexp import __version__

__all__ = ["ALLOWED_VARIABLES", "environment", "package_versions"]

PACKAGES = ("torch", "numpy", "safetensors", "pydantic", "matplotlib")

# Only these are copied into a run folder, which is made to be passed on: no secret has such a name.
ALLOWED_VARIABLES = (
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "KMP_AFFINITY",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
    "RNNEXP_DATA",
    "RNNEXP_KERNELS",
    "RNNEXP_RUNS",
)


COMMIT = "# branch.oid "


def environment(torch: bool = True) -> dict[str, Any]:
    """The record for env.json. Without `torch`, what only torch knows is left out."""
    record: dict[str, Any] = {
        "versions": {"rnnexp": __version__, "python": platform.python_version()}
        | package_versions(PACKAGES),
        "platform": platform.platform(),
        "cpu": cpu_model(),
        "cores": usable_cores(),
        "git": git_state(Path.cwd()),
        "variables": {name: os.environ[name] for name in ALLOWED_VARIABLES if name in os.environ},
        "command": Path(sys.argv[0]).name,
    }
    return record | _torch_state() if torch else record


def package_versions(names: tuple[str, ...]) -> dict[str, str | None]:
    """Installed versions by name, None for what is not installed; nothing is imported."""
    return {name: _version(name) for name in names}


@cache
def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def cpu_model() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit and whether there are changes on it; None outside a repository or without git."""
    lines = _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
    if lines is None:  # too large a repository to look through in time, or none
        commit = _git(folder, "rev-parse", "HEAD")
        return None if commit is None else {"commit": commit, "dirty": None}
    about = [line for line in lines.splitlines() if line.startswith("# ")]
    commits = [line.removeprefix(COMMIT) for line in about if line.startswith(COMMIT)]
    if commits in ([], ["(initial)"]):
        return None
    return {"commit": commits[0], "dirty": len(lines.splitlines()) > len(about)}


def _git(folder: Path, *arguments: str) -> str | None:
    # A repository's own settings can name a program for git to run; this one would run unasked.
    command = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip()


def _torch_state() -> dict[str, Any]:
    import torch

    from rnnexp import kernels

    cuda = torch.cuda.is_available()
    return {
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "kernels": kernels.in_use(),
        "cuda": torch.version.cuda if cuda else None,
    }
