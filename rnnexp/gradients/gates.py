"""The matrices that are multiplied at every time step, by themselves.

Shape letters: T time, B sequences, H hidden.
Shape letters: T time, B sequences of one length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rnnexp.gradients import probe as probes
from rnnexp.manual.hand_cells import Array, Cell, Values
from rnnexp.manual.hand_network import Activations, Network, Reader

__all__ = ["Units", "forward", "gates", "grouped", "matrices", "units"]


# How far the gates stand open, and how much of a layer is saturated or dead.

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


# The probe's sequences, stacked by length, so that the equations run on many of them at once.


def grouped(probe: probes.Probe) -> list[probes.Sequence]:
    """Sequences with an axis B after the time (first, where there is no time), in float64."""
    by_length: dict[int, list[probes.Sequence]] = {}
    for sequence in probe.sequences(np.float64):
        by_length.setdefault(len(sequence.inputs), []).append(sequence)
    return [_stacked(members, probe.stepwise) for _, members in sorted(by_length.items())]


def forward(network: Network, groups: Sequence[probes.Sequence]) -> Iterator[Activations]:
    """Every value of every step of each group."""
    for group in groups:
        yield network.forward(group.inputs, group.condition, group.teacher)


def _stacked(members: list[probes.Sequence], stepwise: bool) -> probes.Sequence:
    def stack(name: str, axis: int) -> Array:
        return np.stack([getattr(member, name) for member in members], axis=axis)

    teacher = None
    if members[0].teacher is not None:
        pairs = [member.teacher for member in members if member.teacher is not None]
        truth, forced = (np.stack(parts, axis=1) for parts in zip(*pairs, strict=True))
        teacher = truth, forced
    return probes.Sequence(
        inputs=stack("inputs", 1),
        targets=stack("targets", int(stepwise)),
        counts=stack("counts", int(stepwise)),
        condition=None if members[0].condition is None else stack("condition", 0),
        teacher=teacher,
    )


# The matrices that are multiplied at every time step, by themselves.
#
# They set what the Jacobians can be, not what they are: the derivatives of the gates come between
# (Pascanu, Mikolov, Bengio 2013), and a matrix that is not normal grows before it decays. So no
# verdict rests on them.


@dataclass(frozen=True)
class Matrix:
    """One block: its symbol, the largest |eigenvalue|, and the singular values, largest first."""

    symbol: str
    spectral_radius: float
    singular_values: tuple[float, ...]


def matrices(reader: Reader) -> list[Matrix]:
    """W_hh gate by gate, or what the recurrence over the output multiplies by at each step."""
    w, cell = reader.weights, reader.cell
    if cell.recurrent == "W_oh":
        return [_matrix("W_ho W_oh", w["W_ho"] @ w["W_oh"])]
    blocks = np.split(w[cell.recurrent], len(cell.gates))
    if len(blocks) == 1:
        return [_matrix(cell.recurrent, blocks[0])]
    named = zip(cell.gates, blocks, strict=True)
    return [_matrix(f"{cell.recurrent} {gate}", block) for gate, block in named]


def _matrix(symbol: str, W: Array) -> Matrix:
    radius = float(np.abs(np.linalg.eigvals(W)).max())
    return Matrix(symbol, radius, tuple(np.linalg.svd(W, compute_uv=False).tolist()))
