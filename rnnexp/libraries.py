"""What the libraries below torch are told before they are loaded. No number depends on it."""

from __future__ import annotations

from collections.abc import MutableMapping

__all__ = ["SETTINGS", "set_up"]

SETTINGS = {"GOMP_SPINCOUNT": "10000", "THP_MEM_ALLOC_ENABLE": "1"}
"""GNU OpenMP's threads spin for milliseconds at every meeting before they sleep: where other work
wants the cores, two threads then take ten times as long as one. And torch asks for large blocks in
huge pages: long sequences, walked through once in each direction, train up to 9 % faster."""


def set_up(environment: MutableMapping[str, str]) -> None:
    """Put the settings where the user has none of their own."""
    for name, value in SETTINGS.items():
        if name != "GOMP_SPINCOUNT" or "OMP_WAIT_POLICY" not in environment:
            environment.setdefault(name, value)
