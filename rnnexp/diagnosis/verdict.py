"""One word about a network's gradient through time.

A verdict rests on the measured Jacobians over the steps that the target needs, never on the
spectral radius alone (Pascanu, Mikolov, Bengio 2013: |w| < 1 suffices for vanishing, |w| > 1 is
only necessary for exploding).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rnnexp.diagnosis.clipping import Clipping
from rnnexp.diagnosis.curve import Spread
from rnnexp.diagnosis.gates import Units

__all__ = ["Evidence", "Verdict", "judge"]

VANISHED = 1e-3
"""a thousandth: what arrives is lost beside the gradient of the nearest steps"""
EXPLODED = 1e2
"""a hundredfold: one sequence outweighs a batch"""
MOSTLY = 0.5
"""share of units that are flat or dead"""
OUTLIER = 10.0
"""times the mean gradient norm: one such update undoes many"""

REASONS = {
    "healthy": "the gradient arrives over the steps that the target needs",
    "vanishing": "the gradient is lost before it reaches the steps that the target needs",
    "exploding": "the gradient grows on its way back",
    "saturated": "most units sit where their activation is flat",
    "unclipped": "single gradients are far longer than the mean, and nothing holds them",
    "truncated": "the gradient is cut off before the steps that the target needs",
}


@dataclass(frozen=True)
class Evidence:
    """What a verdict rests on. curves, units: of each layer's forward reader, bottom first.

    needed: steps from the answer back to what it depends on. cut: k2, None under full BPTT.
    """

    curves: Sequence[Spread]
    units: Sequence[Units]
    needed: int
    cut: int | None
    clipping: Clipping | None


@dataclass(frozen=True)
class Verdict:
    """word: healthy, vanishing, exploding, saturated, unclipped or truncated."""

    word: str
    reason: str
    evidence: str


def judge(found: Evidence) -> Verdict:
    """The first that applies; what hides another comes first."""
    word, evidence = next(_symptoms(found))
    return Verdict(word, REASONS[word], evidence)


def _symptoms(found: Evidence) -> Iterator[tuple[str, str]]:
    if found.cut is not None and found.needed >= found.cut:
        back = f"k2 is {found.cut}: the gradient goes back {found.cut - 1} steps at most"
        yield "truncated", f"{back}, the target needs {found.needed}"
    peaks = [max(curve.mean[: found.needed + 1]) for curve in found.curves]
    if max(peaks) > EXPLODED:
        layer = peaks.index(max(peaks)) + 1
        yield (
            "exploding",
            f"layer {layer}: up to {max(peaks):.2g} times within {found.needed} steps",
        )
    ends = [curve.at(found.needed) for curve in found.curves]
    left = f"{max(ends):.2g} of it is left after {found.needed} steps"
    for number, units in enumerate(found.units, 1):
        flat = max(units.saturated or 0.0, units.dead or 0.0)
        if flat > MOSTLY:
            yield "saturated", f"layer {number}: {flat:.0%} of the units; {left}"
    if max(ends) < VANISHED:
        yield "vanishing", f"layer {ends.index(max(ends)) + 1}: {left}"
    clipping = found.clipping
    if clipping is not None and clipping.share is None:
        times = clipping.largest_norm / clipping.mean_norm if clipping.mean_norm else 0.0
        if times > OUTLIER:
            yield "unclipped", f"the longest is {times:.3g} times the mean"
    yield "healthy", left
