"""Refuse what cannot fit in memory before asking for it."""

from __future__ import annotations

import os
from pathlib import Path

from rnnexp.errors import MemoryExceededError, Position

__all__ = ["available_bytes", "check_memory"]

CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def available_bytes() -> int:
    """The memory of this machine, or of the container that it is run in."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(machine, int(CGROUP_LIMIT.read_text(encoding="ascii")))
    except (OSError, ValueError):  # no cgroup, or `max`
        return machine


def check_memory(
    needed: int, what: str, position: Position, key: str, hint: str | None = None
) -> None:
    """Compare an estimate in bytes with the memory that there is.

    Raises:
        MemoryExceededError: it is more than there is.
    """
    there_is = available_bytes()
    if needed > there_is:
        raise MemoryExceededError(
            f"{what} needs about {needed / 2**30:,.1f} GiB of memory; "
            f"this machine has {there_is / 2**30:,.1f} GiB",
            code="MEM101",
            position=position,
            key=key,
            hint=hint,
        )
