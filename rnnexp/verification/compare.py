"""Two computations laid side by side: how far apart is each tensor, and is that rounding?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from rnnexp.manual.norm import Array
from rnnexp.verification.computed import Computed

__all__ = ["ROUNDING", "TOLERANCE", "Row", "amplification", "compare"]

TOLERANCE = {"float64": 1e-10, "float32": 1e-5}
"""relative to each tensor's largest value"""
ROUNDING = 8.0
"""in float32 a difference also passes up to so many times what float32 alone costs by hand: where
the network amplifies every rounding error, two right computations lie that far apart"""


@dataclass(frozen=True)
class Row:
    """One tensor: ours by the layers, theirs by hand.

    gate: the block of rows that holds the largest difference. absolute, relative: the largest
    difference, and the same divided by the largest value by hand. rounding: what the precision
    costs by hand alone, relative, None in float64. step: the first time step (from 1) at which the
    two differ beyond the limit, or None; for a gradient the shortest beginning of the sequences on
    which it differs.
    """

    tensor: str
    kind: Literal["forward", "gradient"]
    gate: str | None
    absolute: float
    relative: float
    rounding: float | None
    limit: float
    step: int | None

    @property
    def passed(self) -> bool:
        return self.relative <= self.limit


def compare(
    ours: Computed, theirs: Computed, exact: Computed | None, gates: dict[str, tuple[str, ...]]
) -> Iterator[Row]:
    """A row for every tensor. `theirs` is by hand in the precision of `ours`; `exact` is by hand
    in float64 where that is another one.
    """
    for label, sequences in theirs.forward.items():
        found = ours.forward[label]
        precise = None if exact is None else exact.forward[label]
        step = _first_step(found, sequences, precise)
        joined = [_joined(each) for each in (found, sequences, precise) if each is not None]
        yield _row(label, "forward", joined, None, step)
    for label, gradient in theirs.gradients.items():
        arrays = [ours.gradients[label], gradient]
        arrays += [] if exact is None else [exact.gradients[label]]
        worst = _worst_gate(arrays[0], gradient, gates.get(label, ()))
        yield _row(label, "gradient", arrays, worst, None)


def amplification(single: Computed, exact: Computed) -> float:
    """How far the forward pass by hand in float32 lies from that in float64, at its worst."""
    pairs = [(single.forward[label], exact.forward[label]) for label in exact.forward]
    return max(distance(_joined(a), _joined(b))[1] for a, b in pairs)


def _row(
    label: str,
    kind: Literal["forward", "gradient"],
    arrays: list[Array],
    gate: str | None,
    step: int | None,
) -> Row:
    """arrays: ours, by hand, and by hand in float64 where that is another precision."""
    ours, theirs = arrays[0], arrays[1]
    absolute, relative = distance(ours, theirs)
    limit, rounding = TOLERANCE[str(theirs.dtype)], None
    if len(arrays) > 2:
        rounding = distance(theirs, arrays[2])[1]
        limit = max(limit, ROUNDING * rounding)
    failed = not relative <= limit
    return Row(label, kind, gate, absolute, relative, rounding, limit, step if failed else None)


def distance(ours: Array, theirs: Array) -> tuple[float, float]:
    """The largest difference, and the same relative to the largest value of `theirs`.

    Infinite where either side is not finite and the other differs.
    """
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    if ours.shape != theirs.shape or not (np.isfinite(ours) & np.isfinite(theirs)).all():
        return float("inf"), float("inf")
    absolute = float(np.abs(ours - theirs).max(initial=0.0))
    largest = float(np.abs(theirs).max(initial=0.0))
    return absolute, absolute / largest if largest else absolute


def _first_step(ours: list[Array], theirs: list[Array], exact: list[Array] | None) -> int | None:
    """The first time step at which any sequence is off; only where there is a time axis."""
    if theirs[0].ndim < 2:
        return None
    scale = max(float(np.abs(each).max(initial=0.0)) for each in theirs) or 1.0
    limit = TOLERANCE[str(theirs[0].dtype)]
    if exact is not None:
        limit = max(limit, ROUNDING * distance(_joined(theirs), _joined(exact))[1])
    off = [_beyond(a, b, limit * scale) for a, b in zip(ours, theirs, strict=True)]
    return min((step for step in off if step is not None), default=None)


@np.errstate(invalid="ignore")
def _beyond(ours: Array, theirs: Array, limit: float) -> int | None:
    wrong = ~(np.abs(ours.astype(np.float64) - theirs) <= limit)
    steps = np.flatnonzero(wrong.any(axis=tuple(range(1, wrong.ndim))))
    return int(steps[0]) + 1 if len(steps) else None


def _joined(sequences: list[Array]) -> Array:
    return np.concatenate([np.atleast_2d(each) for each in sequences])


def _worst_gate(ours: Array, theirs: Array, gates: tuple[str, ...]) -> str | None:
    """The gate whose block of rows holds the largest difference."""
    if not gates or ours.shape != theirs.shape:
        return None
    blocks: Any = np.split(np.abs(ours.astype(np.float64) - theirs), len(gates))
    return gates[int(np.argmax([block.max(initial=0.0) for block in blocks]))]
