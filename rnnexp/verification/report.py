"""The whole comparison of a network with the equations, for every path its layers can take."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from rnnexp.kernels import Path
from rnnexp.layers.network import Network
from rnnexp.tasks.task import Task
from rnnexp.verification import finite_differences
from rnnexp.verification.compare import TOLERANCE, Row, amplification, compare
from rnnexp.verification.computed import Computed, by_hand, by_layers, directions
from rnnexp.verification.finite_differences import Difference
from rnnexp.verification.probe import Probe, output_of
from rnnexp.verification.transcribe import parameters

__all__ = ["Comparison", "Report", "verify"]

PRECISIONS = {"float64": torch.float64, "float32": torch.float32}
AMPLIFIED = 1e-3
"""relative to the largest value: ten thousand times the rounding of float32"""
ALL_ENTRIES = 200
"""networks of at most so many parameters are held against finite differences entry by entry"""


@dataclass(frozen=True)
class Comparison:
    """The rows of one path in one precision."""

    path: str
    precision: str
    rows: tuple[Row, ...]

    @property
    def failed(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.passed)

    def largest(self, kind: str) -> float:
        """The largest relative difference of the forward pass, or of the gradients."""
        return max(row.relative for row in self.rows if row.kind == kind)


@dataclass(frozen=True)
class Report:
    """What a comparison found. comparisons: the path in use first, float64 before float32.

    cut: whether later time steps were left out because the network amplifies rounding too far.
    """

    paths: tuple[Path, ...]
    sequences: int
    time_steps: int
    cut: bool
    comparisons: tuple[Comparison, ...]
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        compared = all(not comparison.failed for comparison in self.comparisons)
        return compared and all(difference.passed for difference in self.differences)

    @property
    def failed(self) -> list[str]:
        """The tensors that are off, each once."""
        off = [row.tensor for comparison in self.comparisons for row in comparison.failed]
        off += [difference.tensor for difference in self.differences if not difference.passed]
        return list(dict.fromkeys(off))

    def as_json(self) -> dict[str, Any]:
        """Everything, in the words of the JSON that scripts read."""
        return {
            "passed": self.passed,
            "failed": self.failed,
            "sequences": self.sequences,
            "time_steps": self.time_steps,
            "amplifies": self.cut,
            "tolerance": TOLERANCE,
            "paths": [asdict(path) for path in self.paths],
            "comparisons": [
                {
                    "path": comparison.path,
                    "precision": comparison.precision,
                    "forward": comparison.largest("forward"),
                    "gradient": comparison.largest("gradient"),
                    "rows": [asdict(row) | {"passed": row.passed} for row in comparison.rows],
                }
                for comparison in self.comparisons
            ],
            "finite_differences": [
                asdict(each) | {"passed": each.passed} for each in self.differences
            ],
        }


def verify(network: Network, task: Task, probe: Probe, entries: int = 2) -> Report:
    """Hold the network against the equations: outputs, loss and every gradient.

    The network itself is left alone; a copy without dropout is compared, in float64 with the same
    weights and in float32. entries: how many of each parameter to hold against finite differences
    (all of a tiny network; 0 for none).
    """
    paths = _paths(network)
    whole = max(probe.lengths)
    probe, exact, single = _comparable(network, task, probe)
    comparisons = tuple(
        _compared(network, task, probe, path, precision, exact, single)
        for path in paths
        for precision in PRECISIONS
    )
    differences = tuple(_differences(network, task, probe, exact, entries)) if entries else ()
    steps = max(probe.lengths)
    return Report(paths, len(probe.lengths), steps, steps < whole, comparisons, differences)


def _comparable(network: Network, task: Task, probe: Probe) -> tuple[Probe, Computed, Computed]:
    """So many steps, halved as often as needed, that float32 still tells something; by hand.

    A chaotic network doubles every rounding error at each step, and a growing one overflows: there
    two right computations have nothing in common at the end.
    """
    while True:
        exact = by_hand(_copy(network, torch.float64), task, probe, np.float64)
        single = by_hand(_copy(network, torch.float32), task, probe, np.float32)
        steps = max(probe.lengths)
        if steps == 1 or amplification(single, exact) <= AMPLIFIED:
            return probe, exact, single
        probe = probe.cut(steps // 2)


def _compared(  # noqa: PLR0917
    network: Network,
    task: Task,
    probe: Probe,
    path: Path,
    precision: str,
    exact: Computed,
    single: Computed,
) -> Comparison:
    taken = _copy(network, PRECISIONS[precision], path.name)
    ours = by_layers(taken, task, probe.to(PRECISIONS[precision]))
    gates = {parameter.label: parameter.gates for parameter in parameters(network)}
    double = precision == "float64"
    rows = compare(ours, exact if double else single, None if double else exact, gates)
    comparison = Comparison(path.name, precision, tuple(rows))
    return _with_first_steps(comparison, taken, task, probe) if comparison.failed else comparison


def _with_first_steps(
    comparison: Comparison, network: Network, task: Task, probe: Probe
) -> Comparison:
    """For every gradient that is off, the shortest beginning of the sequences on which it is."""
    found: dict[int, set[str]] = {}
    dtype = PRECISIONS[comparison.precision]
    numbers = np.float64 if dtype == torch.float64 else np.float32

    def off(steps: int) -> set[str]:
        if steps not in found:
            begun = probe.cut(steps).to(dtype)
            theirs, ours = by_hand(network, task, begun, numbers), by_layers(network, task, begun)
            found[steps] = {row.tensor for row in compare(ours, theirs, None, {}) if not row.passed}
        return found[steps]

    def first(tensor: str) -> int:
        low, high = 1, max(probe.lengths)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if tensor in off(middle) else (middle + 1, high)
        return low

    rows = (
        replace(row, step=first(row.tensor)) if row.step is None and not row.passed else row
        for row in comparison.rows
    )
    return replace(comparison, rows=tuple(rows))


def _differences(
    network: Network, task: Task, probe: Probe, exact: Computed, entries: int
) -> Iterator[Difference]:
    taken, batch = _copy(network, torch.float64), probe.to(torch.float64)
    placed = batch.on(next(taken.parameters()).device).batch
    if sum(tensor.numel() for tensor in taken.parameters()) <= ALL_ENTRIES:
        entries = ALL_ENTRIES

    def loss() -> float:
        output = output_of(taken, placed)
        return float(task.loss(output, placed)) / placed.count

    return finite_differences.check(taken, loss, exact.gradients, entries)


def _paths(network: Network) -> tuple[Path, ...]:
    """Every path that some layer can take; the ones in use first, each once."""
    parts = [direction for _, direction in directions(network)]
    in_use = [direction.path for direction in parts]
    others = [path for direction in parts for path in direction.available_paths]
    by_name = {path.name: path for path in reversed(in_use + others)}
    return tuple(by_name[name] for name in dict.fromkeys(p.name for p in in_use + others))


def _copy(network: Network, dtype: torch.dtype, path: str | None = None) -> Network:
    """A copy with the same weights in `dtype`, without dropout, on one path where it can be."""
    copied = copy.deepcopy(network).to(dtype).train()
    for module in copied.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    for _, direction in directions(copied):
        direction.recurrent_dropout = 0.0
        for available in direction.available_paths:
            if available.name == path:
                direction.path = available
    return copied
