"""Whether the process that a run's status.json names is still there."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

__all__ = ["is_gone"]

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
