"""The probe's sequences, stacked by length, so that the equations run on many of them at once.

Shape letters: T time, B sequences of one length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rnnexp.manual.network import Activations, Network
from rnnexp.manual.norm import Array
from rnnexp.verification import probe as probes

__all__ = ["forward", "grouped"]


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
