"""Everything that `rnnexp diagnose` tells about one network, as an object that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from rnnexp.config.config import Config
from rnnexp.config.loading import load_config
from rnnexp.config.training_settings import Truncated
from rnnexp.errors import RnnexpError
from rnnexp.gradients.gates import Units, forward, gates, grouped, matrices, units
from rnnexp.gradients.jacobian_curve import Spread, measure
from rnnexp.gradients.order import data_order, model_order
from rnnexp.gradients.probe import Probe, behind_words, encoded, loss_by_hand, plain_network
from rnnexp.gradients.transcribe import transcribe
from rnnexp.gradients.truncation import Clipping, clipping_of, truncation_bias
from rnnexp.layers.network import Network
from rnnexp.manual.hand_cells import Values
from rnnexp.manual.hand_network import Reader, ReaderSum
from rnnexp.manual.through_time import contributions
from rnnexp.training.experiment import Experiment

__all__ = ["Evidence", "diagnose", "judge", "remedy_for"]


# One word about a network's gradient through time.
#
# A verdict rests on the measured Jacobians over the steps that the target needs, never on the
# spectral radius alone (Pascanu, Mikolov, Bengio 2013: |w| < 1 suffices for vanishing, |w| > 1 is
# only necessary for exploding).

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
    for number, cells in enumerate(found.units, 1):
        flat = max(cells.saturated or 0.0, cells.dead or 0.0)
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


# The one change to try, as overrides that the config at hand accepts.

Candidates = Iterator[tuple[str, list[str]]]


@dataclass(frozen=True)
class Remedy:
    """What to try: in words, and as all overrides of the command, those given before included."""

    text: str
    overrides: tuple[str, ...]


def remedy_for(verdict: Verdict, found: Evidence, config: Config) -> Remedy | None:
    """The first change that this config accepts; None for a healthy network."""
    for text, wanted in _candidates(verdict.word, found, config):
        for overrides in _with_given(config.overrides, wanted):
            try:
                changed = load_config(config.path, overrides)
            except RnnexpError:
                continue
            if changed.experiment != config.experiment:
                return Remedy(text, tuple(overrides))
    return None


def _with_given(given: Sequence[str], wanted: Sequence[str]) -> Iterator[list[str]]:
    """The change after what was given already; what it contradicts or repeats is left out."""
    keys = [_key(each) for each in wanted]
    kept = [
        each for each in given if not any(f"{_key(each)}.".startswith(f"{key}.") for key in keys)
    ]
    apart = [each for each in kept if not any(key.startswith(f"{_key(each)}.") for key in keys)]
    for others in (kept, apart):
        yield [*others, *wanted]
        yield [*others, *(each for each in wanted if not each.startswith("~"))]


def _key(override: str) -> str:
    return override.removeprefix("~").partition("=")[0]


def _candidates(word: str, found: Evidence, config: Config) -> Candidates:
    training = config.experiment.training
    slower = "a lower learning rate", [f"training.optimizer.lr={training.optimizer.lr / 3:.1e}"]
    if word == "truncated":
        yield from _longer_truncation(found, config)
    elif word == "vanishing":
        yield from _longer_memory(found, config)
    elif word == "exploding":
        if training.clip is None:
            yield "gradient clipping", ["training.clip.norm=1.0"]
        orthogonal = ["model.init.recurrent=orthogonal"]
        for dropped in ([], ["~model.init.spectral_radius"]):
            yield "a loop that neither grows nor shrinks", [*dropped, *orthogonal]
        yield from _longer_memory(found, config)
        yield slower
    elif word == "saturated":
        yield "layer normalisation", ["model.layer_norm=true"]
        yield slower
    elif word == "unclipped" and found.clipping is not None:
        norm = float(f"{found.clipping.mean_norm:.1g}")
        yield "clipping at the mean norm", [f"training.clip.norm={norm}"]


def _longer_truncation(found: Evidence, config: Config) -> Candidates:
    """Of the k1 losses of a window the first reaches back k2 - k1 steps, the last k2 - 1."""
    k2 = found.needed + getattr(config.experiment.training.bptt, "k1", 1)
    if k2 < max(len(curve.mean) for curve in found.curves):
        yield "a longer truncation", [f"training.bptt.k2={k2}"]
    yield "full backpropagation", ["training.bptt=full"]


def _longer_memory(found: Evidence, config: Config) -> Candidates:
    """An LSTM; for one, a forget gate open for so long as is needed (Tallec, Ollivier 2018)."""
    model = config.experiment.model
    if model.cell == "lstm":
        bias = round(math.log(max(found.needed, 2)), 1)
        yield "a forget gate that stays open so long", [f"model.forget_bias={bias}"]
    back = [] if model.recurrence == "hidden_to_hidden" else ["~model.recurrence"]
    for dropped in ([], ["~model.activation"], ["~training.teacher_forcing"]):
        yield "an LSTM", ["model.cell=lstm", *back, *dropped]


# Everything that `rnnexp diagnose` tells about one network, as an object that JSON can hold.

SEQUENCES, LONGEST = 8, 512
"""how much of the validation part is probed: sequences, and time steps of each"""
RETRAIN_STEPS, RETRAIN_SECONDS = 500, 60.0


def diagnose(
    experiment: Experiment,
    records: Iterable[Mapping[str, Any]] | None = None,
    sequences: int = SEQUENCES,
    retrain: bool = False,
) -> dict[str, Any]:
    """Measure an experiment's network as it stands.

    records: the metrics.jsonl of a run; without them what needs training (clipping, the order
    test) is None. Where the task does not tell how far its target reaches back, the whole sequence
    is judged, or what truncation leaves of it.
    """
    config, dataset = experiment.config, experiment.dataset
    plain = plain_network(experiment)
    probe = Probe.of(experiment.batches("val"), sequences, LONGEST)
    network, probe, _ = behind_words(plain, probe)
    network, probe, _ = encoded(network, probe)
    steps = max(probe.lengths)
    layers = _layers(experiment, network, probe)
    clipping = None if records is None else clipping_of(records)
    readers = [layer for layer in layers if layer["forward"]]
    truncated = _truncated(experiment)
    cut = None if truncated is None else truncated.k2
    found = Evidence(
        curves=[Spread(**layer["jacobian"]["spectral"]) for layer in readers],
        units=[Units(**layer["units"]) for layer in readers],
        needed=min(dataset.reach or min(cut or steps, steps) - 1, steps),
        cut=cut,
        clipping=clipping,
    )
    verdict = judge(found)
    remedy = remedy_for(verdict, found, config)
    return {
        "name": config.experiment.name,
        "trained": records is not None,
        "verdict": asdict(verdict),
        "remedy": None if remedy is None else asdict(remedy) | {"config": str(config.path)},
        "sequences": len(probe.lengths),
        "time_steps": steps,
        "needed": found.needed,
        "reach": dataset.reach,
        "k2": cut,
        "layers": layers,
        "clipping": _account(clipping),
        "truncation": _truncation(experiment, network, probe),
        "order": _orders(experiment, records is not None, retrain),
    }


def _layers(experiment: Experiment, network: Network, probe: Probe) -> list[dict[str, Any]]:
    """Every reader of every layer, bottom first."""
    network.to(torch.device("cpu"))
    written, groups = transcribe(network, np.float64), grouped(probe)
    sums: dict[str, list[ReaderSum]] = {}
    for group, run in zip(groups, forward(written, groups), strict=True):
        assert run.output is not None
        _, d_output = loss_by_hand(experiment.task.objective, run.output, group)
        for layer in written.layer_sums(run, d_output / probe.batch.count):
            for each in layer:
                sums.setdefault(each.place, []).append(each)
    network.to(experiment.device)
    places = [place for n, layer in enumerate(written.layers, 1) for place in layer.places(n)]
    return [_layer(place, sums[place]) for place in places]


def _layer(place: str, sums: list[ReaderSum]) -> dict[str, Any]:
    reader: Reader = sums[0].reader
    groups: list[Values] = [each.values for each in sums]
    curves = measure(reader, groups)
    return {
        "layer": place,
        "forward": "backward" not in place,
        "recurrent": reader.cell.recurrent,
        "jacobian": {name: asdict(spread) for name, spread in curves.items()},
        "half_life": curves["spectral"].half_life,
        "matrices": [asdict(matrix) for matrix in matrices(reader)],
        "gates": [asdict(gate) for gate in gates(reader.cell, groups)],
        "units": asdict(units(reader.cell, groups)),
        "contributions": [asdict(each) for each in contributions(sums)],
    }


def _account(clipping: Clipping | None) -> dict[str, Any] | None:
    return None if clipping is None else asdict(clipping) | {"excess": clipping.excess}


def _truncated(experiment: Experiment) -> Truncated | None:
    """Not for one answer at the end: a single window is the whole sequence."""
    bptt = experiment.config.experiment.training.bptt
    ends = experiment.dataset.shape == "many_to_one"
    return bptt if isinstance(bptt, Truncated) and not ends else None


def _truncation(
    experiment: Experiment, network: Network, probe: Probe
) -> list[dict[str, Any]] | None:
    bptt = _truncated(experiment)
    if bptt is None:
        return None
    found = truncation_bias(network, experiment.task, probe, bptt)
    return [asdict(bias) for bias in found]


def _orders(experiment: Experiment, trained: bool, retrain: bool) -> dict[str, Any]:
    """`model`: the trained network on shuffled steps; `data`: trained afresh on them."""
    if experiment.dataset.shape == "one_to_many":
        return {"model": None, "data": None}
    model = model_order(experiment) if trained else None
    data = data_order(experiment, RETRAIN_STEPS, RETRAIN_SECONDS) if retrain else None
    return {
        "model": None if model is None else asdict(model) | {"matters": model.matters},
        "data": None if data is None else asdict(data) | {"matters": data.matters},
    }
