"""One word about a network's gradient through time, and the one change to try.

A verdict rests on the measured Jacobians over the steps that the target needs, never on the
spectral radius alone (Pascanu, Mikolov, Bengio 2013: |w| < 1 suffices for vanishing, |w| > 1 is
only necessary for exploding).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnexp.config.load import load_config
from rnnexp.config.schema import Experiment
from rnnexp.diagnosis.clipping import Clipping
from rnnexp.diagnosis.curve import Spread
from rnnexp.diagnosis.gates import Units
from rnnexp.errors import RnnexpError

__all__ = ["Evidence", "Remedy", "Verdict", "judge", "remedy_for"]

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
    """What a verdict rests on. curves: the spectral norms of each layer, bottom first.

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


@dataclass(frozen=True)
class Remedy:
    """What to try: in words, and as overrides that the config accepts."""

    text: str
    overrides: tuple[str, ...]


def judge(found: Evidence) -> Verdict:
    """The first that applies; what hides another comes first."""
    word, evidence = next(_symptoms(found))
    return Verdict(word, REASONS[word], evidence)


def _symptoms(found: Evidence) -> Iterator[tuple[str, str]]:
    if found.cut is not None and found.needed > found.cut:
        yield "truncated", f"k2 is {found.cut}, the target needs {found.needed} steps"
    peaks = [max(curve.mean[: found.needed + 1]) for curve in found.curves]
    if max(peaks) > EXPLODED:
        layer = peaks.index(max(peaks)) + 1
        yield (
            "exploding",
            f"layer {layer}: up to {max(peaks):.2g} times within {found.needed} steps",
        )
    ends = [curve.at(found.needed) for curve in found.curves]
    if max(ends) < VANISHED:
        layer = ends.index(max(ends)) + 1
        yield (
            "vanishing",
            f"layer {layer}: {max(ends):.2g} of it is left after {found.needed} steps",
        )
    for number, units in enumerate(found.units, 1):
        flat = max(units.saturated or 0.0, units.dead or 0.0)
        if flat > MOSTLY:
            yield "saturated", f"layer {number}: {flat:.0%} of the units"
    clipping = found.clipping
    if clipping is not None and clipping.share is None:
        times = clipping.largest_norm / clipping.mean_norm if clipping.mean_norm else 0.0
        if times > OUTLIER:
            yield "unclipped", f"the longest is {times:.3g} times the mean"
    yield "healthy", f"{max(ends):.2g} of it is left after {found.needed} steps"


def remedy_for(
    verdict: Verdict, found: Evidence, path: Path, settings: Experiment
) -> Remedy | None:
    """The first change that this config accepts; None for a healthy network."""
    for text, overrides in _candidates(verdict.word, found, settings):
        try:
            load_config(path, overrides)
        except RnnexpError:
            continue
        return Remedy(text, tuple(overrides))
    return None


def _candidates(
    word: str, found: Evidence, settings: Experiment
) -> Iterator[tuple[str, list[str]]]:
    model, training = settings.model, settings.training
    if word == "truncated":
        yield f"a longer truncation, k2 = {found.needed}", [f"training.bptt.k2={found.needed}"]
        yield "full backpropagation", ["training.bptt=full"]
    elif word == "vanishing":
        yield from _longer_memory(found, settings)
    elif word == "exploding":
        if training.clip is None:
            yield "gradient clipping", ["training.clip.norm=1.0"]
        yield (
            "a start with a smaller loop",
            [
                "model.init.recurrent=spectral_radius",
                "model.init.spectral_radius=0.9",
            ],
        )
        yield "a start with a smaller loop", ["model.init.recurrent=orthogonal"]
        yield "a lower learning rate", [f"training.optimizer.lr={training.optimizer.lr / 3:.1e}"]
    elif word == "saturated":
        if not model.layer_norm:
            yield "layer normalisation", ["model.layer_norm=true"]
        yield "a lower learning rate", [f"training.optimizer.lr={training.optimizer.lr / 3:.1e}"]
    elif word == "unclipped" and found.clipping is not None:
        norm = f"{found.clipping.mean_norm:.1g}"
        yield "clipping at the mean norm", [f"training.clip.norm={float(norm)}"]


def _longer_memory(found: Evidence, settings: Experiment) -> Iterator[tuple[str, list[str]]]:
    """An LSTM; for one, a forget gate open for so long as is needed (Tallec, Ollivier 2018)."""
    model = settings.model
    if model.cell == "lstm":
        bias = round(math.log(max(found.needed, 2)), 1)
        yield "a forget gate that stays open so long", [f"model.forget_bias={bias}"]
    back = [] if model.recurrence == "hidden_to_hidden" else ["~model.recurrence"]
    for dropped in ([], ["~model.activation"], ["~training.teacher_forcing"]):
        yield "an LSTM", ["model.cell=lstm", *back, *dropped]
