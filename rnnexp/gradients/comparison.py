"""The whole comparison of a network with the equations, for every path its layers can take.

Shape letters: T time, B sequences, H hidden, O output. Both sides deliver the same labels, so
that
they can be laid side by side: `layer 1 h` (T, H) of each sequence at its own length, `output o`,
`loss L`, and for every trained tensor its gradient under its label (`layer 1 W_hh`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from rnnexp.gradients import finite_differences
from rnnexp.gradients.finite_differences import Difference
from rnnexp.gradients.probe import Probe, loss_by_hand, output_of
from rnnexp.gradients.transcribe import parameters, transcribe
from rnnexp.kernels import Path
from rnnexp.layers.direction import Direction
from rnnexp.layers.network import Network
from rnnexp.manual.hand_cells import Array, OutputCell
from rnnexp.tasks.task import Task

__all__ = ["Report", "by_layers", "symbol_of", "verify"]


# The same forward and backward pass twice: by the layers, and by hand.


@dataclass
class Computed:
    """What one side computed: activations of each sequence by label, gradients by label."""

    forward: dict[str, list[Array]] = field(default_factory=dict)
    gradients: dict[str, Array] = field(default_factory=dict)


def by_hand(network: Network, task: Task, probe: Probe, dtype: type[np.floating[Any]]) -> Computed:
    """The equations on every sequence alone, in `dtype`, with the network's weights.

    What is too large for `dtype` is infinite, and NaN where infinities meet.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return _by_hand(network, task, probe, dtype)


def _by_hand(network: Network, task: Task, probe: Probe, dtype: type[np.floating[Any]]) -> Computed:
    written, computed = transcribe(network, dtype), Computed()
    summed: dict[str, Array] = {}
    loss, count = 0.0, dtype(probe.batch.count)
    for sequence in probe.sequences(dtype):
        run = written.forward(sequence.inputs, sequence.condition, sequence.teacher)
        assert run.output is not None
        loss_b, d_output = loss_by_hand(task.objective, run.output, sequence)
        loss += loss_b / probe.batch.count
        for number, (layer, values) in enumerate(zip(written.layers, run.values, strict=True), 1):
            for place, reader, a in zip(layer.places(number), layer.readers, values, strict=True):
                _append(computed, f"{place} {symbol_of(reader.cell)}", a["y"])
        _append(computed, "output o", run.output)
        for label, gradient in written.backward(run, d_output / count).items():
            summed[label] = summed.get(label, 0) + gradient
    _append(computed, "loss L", np.array([loss], dtype))
    for parameter in parameters(network):
        whole: Array = np.asarray(sum(summed[part] for part in parameter.parts))
        computed.gradients[parameter.label] = whole
    return computed


def by_layers(network: Network, task: Task, probe: Probe) -> Computed:
    """The layers and autograd on the padded batch; the network is left without gradients."""
    computed, batch, device = Computed(), probe.batch, next(network.parameters()).device
    network.zero_grad(set_to_none=True)
    with _watched(network) as seen:
        placed = probe.on(device).batch
        output = output_of(network, placed)
    loss = task.loss(output, placed) / batch.count
    loss.backward()  # type: ignore[no-untyped-call]
    for label, y_TBH in seen:
        computed.forward[label] = [_array(y_TBH[:n, b]) for b, n in enumerate(probe.lengths)]
    computed.forward["output o"] = [
        _array(output[:n, b] if probe.stepwise else output[b]) for b, n in enumerate(probe.lengths)
    ]
    computed.forward["loss L"] = [_array(loss.reshape(1))]
    tensors = dict(network.named_parameters())
    for parameter in parameters(network):
        tensor = tensors[parameter.name]
        gradient = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
        computed.gradients[parameter.label] = _array(_flat_state(parameter.label, gradient))
    network.zero_grad(set_to_none=True)
    return computed


def directions(network: Network) -> Iterator[tuple[str, Direction]]:
    """Every direction of every layer with its place: `layer 1`, `layer 1 backward`."""
    for name, module in network.named_modules():
        if isinstance(module, Direction):
            _, _, index, reader = name.split(".")
            back = " backward" if reader == "backward_reader" else ""
            yield f"layer {int(index) + 1}{back}", module


@contextmanager
def _watched(network: Network) -> Iterator[list[tuple[str, Tensor]]]:
    """Collects the output (T, B, H) of every direction, each in its own order of time."""
    seen: list[tuple[str, Tensor]] = []
    handles = []
    for place, direction in directions(network):
        symbol = "h" if direction.recurrence == "hidden_to_hidden" else "o"

        def keep(_: Any, __: Any, result: Any, label: str = f"{place} {symbol}") -> None:
            seen.append((label, result[0]))

        handles.append(direction.register_forward_hook(keep))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def symbol_of(cell: Any) -> str:
    """What a cell's output is called in the equations."""
    return "o" if isinstance(cell, OutputCell) else "h"


def _append(computed: Computed, label: str, values: Array) -> None:
    computed.forward.setdefault(label, []).append(values)


def _flat_state(label: str, gradient: Tensor) -> Tensor:
    """A learned initial state is one vector (S,) in the equations, (states, H) in the layers."""
    return gradient.reshape(-1) if label.endswith(" s_0") else gradient


def _array(tensor: Tensor) -> Array:
    array: Array = tensor.detach().cpu().numpy()
    return array


# Two computations laid side by side: how far apart is each tensor, and is that rounding?

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


# The whole comparison of a network with the equations, for every path its layers can take.

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
