"""Who may conduct a sweep: one process at a time, with the code that it was frozen with."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from rnnexp.errors import CheckpointError, Problem
from rnnexp.sweeps.folder import SweepFolder, code_state

__all__ = ["held", "refuse_other_code"]

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
