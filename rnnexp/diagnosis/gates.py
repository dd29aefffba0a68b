"""How far the gates stand open, and how much of a layer is saturated or dead.

Shape letters: T time, B sequences, H hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnexp.manual.cells import Cell
from rnnexp.manual.norm import Array, Values

__all__ = ["CLOSED", "FLAT", "OPEN", "Gate", "Units", "gates", "units"]

CLOSED, OPEN = 0.1, 0.9
"""left- and right-saturated, as Karpathy, Johnson, Li 2015 (5.2) draw the lines"""
FLAT = 0.95
"""|tanh| beyond it has a slope below a tenth"""

NAMES = {
    "i": "input gate i",
    "f": "forget gate f",
    "o": "output gate o",
    "r": "reset gate r",
    "z": "update gate z",
}


@dataclass(frozen=True)
class Gate:
    """One gate over all units and steps: its mean, and the shares of it below 0.1, above 0.9."""

    symbol: str
    name: str
    mean: float
    closed: float
    opened: float


@dataclass(frozen=True)
class Units:
    """The plain cell's units. saturated: share of |tanh| > 0.95; dead: of relu units never on."""

    saturated: float | None = None
    dead: float | None = None


def gates(cell: Cell, groups: Sequence[Values]) -> list[Gate]:
    """The sigmoid gates of an LSTM or GRU; none for the plain cell."""
    found = []
    for symbol in (gate for gate in cell.gates if gate in NAMES):
        openness = _all(groups, symbol)
        closed, opened = (openness < CLOSED).mean(), (openness > OPEN).mean()
        found.append(
            Gate(symbol, NAMES[symbol], float(openness.mean()), float(closed), float(opened))
        )
    return found


def units(cell: Cell, groups: Sequence[Values]) -> Units:
    """What became of the plain cell's activation on the probe."""
    activation = getattr(cell, "activation", None)
    if activation == "tanh":
        return Units(saturated=float((np.abs(_all(groups, "h")) > FLAT).mean()))
    if activation == "relu":
        return Units(dead=float((_all(groups, "h") == 0).all(0).mean()))
    return Units()


def _all(groups: Sequence[Values], symbol: str) -> Array:
    """Every step of every sequence (steps, H)."""
    return np.concatenate([a[symbol].reshape(-1, a[symbol].shape[-1]) for a in groups])
