"""Refuse what cannot fit in memory before asking for it."""

from __future__ import annotations

import os

from rnnexp.errors import MemoryExceededError, Position

__all__ = ["check_memory"]


def check_memory(needed: int, what: str, position: Position, key: str) -> None:
    """Compare an estimate in bytes with the memory of this machine.

    Raises:
        MemoryExceededError: it is more than there is.
    """
    there_is = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > there_is:
        raise MemoryExceededError(
            f"{what} needs about {needed / 2**30:,.1f} GiB of memory; "
            f"this machine has {there_is / 2**30:,.1f} GiB",
            code="MEM101",
            position=position,
            key=key,
        )
