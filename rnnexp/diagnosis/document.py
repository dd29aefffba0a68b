"""Everything that `rnnexp diagnose` tells about one network, as an object that JSON can hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from rnnexp.config.schema.training import Truncated
from rnnexp.diagnosis.clipping import Clipping, clipping_of
from rnnexp.diagnosis.curve import Spread, measure
from rnnexp.diagnosis.gates import Units, gates, units
from rnnexp.diagnosis.groups import forward, grouped
from rnnexp.diagnosis.order import data_order, model_order
from rnnexp.diagnosis.recurrent import matrices
from rnnexp.diagnosis.remedy import remedy_for
from rnnexp.diagnosis.truncation import truncation_bias
from rnnexp.diagnosis.verdict import Evidence, judge
from rnnexp.experiment import Experiment
from rnnexp.layers.network import Network
from rnnexp.manual.contributions import contributions
from rnnexp.manual.network import Reader, ReaderSum
from rnnexp.manual.norm import Values
from rnnexp.verification.condition import encoded
from rnnexp.verification.plain import plain_network
from rnnexp.verification.probe import Probe, loss_by_hand
from rnnexp.verification.transcribe import transcribe
from rnnexp.verification.words import behind_words

__all__ = ["SEQUENCES", "diagnose"]

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
