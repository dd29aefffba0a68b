"""Networks that read words character by character: the equations begin behind that reading.

Shape letters: T time, B sequences, I input, O output, C condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnnexp.config.training_settings import TeacherForcing
from rnnexp.data.batches import Batch, Batches, teacher_of
from rnnexp.data.dataset import Tokens, Values
from rnnexp.errors import CommandError
from rnnexp.layers.encoders import WordEncoder
from rnnexp.layers.network import Network, OneHot
from rnnexp.manual.hand_cells import Array
from rnnexp.manual.hand_network import cross_entropy, regression
from rnnexp.tasks.objective import Classification, Objective, Regression
from rnnexp.training.experiment import Experiment
from rnnexp.training.teacher import Teacher

__all__ = [
    "Probe",
    "Sequence",
    "behind_words",
    "encoded",
    "loss_by_hand",
    "output_of",
    "plain_network",
]


# The networks that the equations by hand describe, and which do not belong to them.


def plain_network(experiment: Experiment) -> Network:
    """The network of an experiment, where it is one stack with an output layer on top.

    Raises:
        CommandError: it is an encoder-decoder.
    """
    if isinstance(experiment.network, Network):
        return experiment.network
    config = experiment.config
    raise CommandError(
        "the equations by hand are those of one stack, not of an encoder-decoder",
        code="CMD108",
        position=config.where("task.alignment"),
        key="task.alignment",
        value="delayed",
        allowed="aligned, or another task.kind",
        hint=f"the same cell alone: rnnexp compare-manual or diagnose "
        f"configs/many_to_many/delayed_echo.yaml model.cell={config.experiment.model.cell}",
    )


# A few sequences of a split, as a padded batch for the layers and one by one for the equations.


@dataclass(frozen=True)
class Sequence:
    """One sequence without padding.

    inputs (T, I) or ids (T,); targets (O,), a class, or (T, O), (T,); counts () or (T,), 1 where a
    target counts; condition (C,), a class, or None; teacher and forced (T, O), (T, 1), or None.
    """

    inputs: Array
    targets: Array
    counts: Array
    condition: Array | None
    teacher: tuple[Array, Array] | None


@dataclass(frozen=True)
class Probe:
    """Some sequences of a split. stepwise: there is a target at every step, not one at the end."""

    batch: Batch
    stepwise: bool

    @classmethod
    def of(cls, batches: Batches, count: int, longest: int | None = None) -> Probe:
        """At most `count` examples, spread over the split, at most `longest` steps of each."""
        total = len(batches.sequences)
        rows = np.unique(np.linspace(0, total - 1, min(count, total)).astype(np.int64))
        whole = cls(batches.take(rows), batches.dataset.shape != "many_to_one")
        return whole if longest is None else whole.cut(longest)

    def taught(self, outputs: Values | Tokens) -> Probe:
        """The same with teacher forcing at half of the steps."""
        teacher = Teacher(TeacherForcing(start=0.5), outputs)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return replace(self, batch=teacher.attach(self.batch, 0))

    def cut(self, steps: int) -> Probe:
        """The first `steps` time steps; a single answer is then asked for after them."""
        batch = self.batch
        if steps >= len(batch.inputs):
            return self
        lengths = None if batch.lengths is None else batch.lengths.clamp(max=steps)
        if self.stepwise:
            return replace(self, batch=replace(batch.window(0, steps), lengths=lengths))
        return replace(self, batch=replace(batch, inputs=batch.inputs[:steps], lengths=lengths))

    def to(self, dtype: torch.dtype) -> Probe:
        """The same with its real numbers in another precision."""
        changed: dict[str, Any] = {
            name: value.to(dtype)
            for name, value in vars(self.batch).items()
            if isinstance(value, Tensor) and value.is_floating_point()
        }
        return replace(self, batch=replace(self.batch, **changed))

    def on(self, device: torch.device) -> Probe:
        """The same on a device."""
        return replace(self, batch=self.batch.to(device))

    @property
    def lengths(self) -> list[int]:
        """The time steps of each sequence."""
        batch = self.batch
        if batch.lengths is None:
            return [len(batch.inputs)] * len(batch.rows)
        return [int(length) for length in batch.lengths]

    def sequences(self, dtype: type[np.floating]) -> Iterator[Sequence]:
        """The sequences, each alone at its own length."""
        batch, numbers = self.batch, partial(_numbers, dtype=dtype)
        for b, steps in enumerate(self.lengths):
            counts, teacher = np.ones(steps if self.stepwise else (), dtype), None
            if batch.mask is not None:
                counts = numbers(batch.mask[:steps, b])
            if batch.teacher is not None and batch.forced is not None:
                teacher = numbers(batch.teacher[:steps, b]), numbers(batch.forced[:steps, b])
            yield Sequence(
                numbers(batch.inputs[:steps, b]),
                numbers(batch.targets[:steps, b] if self.stepwise else batch.targets[b]),
                counts,
                None if batch.condition is None else numbers(batch.condition[b]),
                teacher,
            )


def output_of(network: Network, batch: Batch) -> Tensor:
    """The network's output from its own initial states."""
    output, _ = network(batch.inputs, None, batch.lengths, batch.condition, teacher_of(batch))
    result: Tensor = output
    return result


def loss_by_hand(objective: Objective, output: Array, sequence: Sequence) -> tuple[float, Array]:
    """The loss of one sequence, summed over the targets that count, and dL/doutput."""
    if isinstance(objective, Regression):
        return regression(objective.name, output, sequence.targets, sequence.counts)
    assert isinstance(objective, Classification)
    weights = objective.class_weights
    given = None if weights is None else _numbers(weights, output.dtype.type)
    smoothing = objective.label_smoothing
    return cross_entropy(output, sequence.targets, sequence.counts, given, smoothing)


def _numbers(tensor: Tensor, dtype: type[np.floating]) -> Array:
    """Real numbers in `dtype`; ids and classes stay whole numbers."""
    array: Array = tensor.detach().cpu().numpy()
    return array.astype(dtype) if tensor.is_floating_point() else array


# Networks that read an image: the equations begin at the vector that it is encoded into.


def encoded(network: Network, probe: Probe) -> tuple[Network, Probe, tuple[str, ...]]:
    """The network without what reads its image, the probe with its conditions encoded instead.

    Also the names of the parameters that are left out by that. The weights are shared.
    """
    reader = network.encode_condition
    if reader is None or isinstance(reader, OneHot | nn.Identity):
        return network, probe, ()
    batch = probe.batch
    assert batch.condition is not None
    device = next(network.parameters()).device
    with torch.no_grad():
        condition_BC = reader(batch.condition.to(device)).cpu()
    rest = Network(
        network.encode, network.stack, network.head, nn.Identity(), network.bridge, network.pooling
    )
    names = tuple(f"encode_condition.{name}" for name, _ in reader.named_parameters())
    return rest, replace(probe, batch=replace(batch, condition=condition_BC)), names


# Networks that read words character by character: the equations begin behind that reading.


def behind_words(network: Network, probe: Probe) -> tuple[Network, Probe, tuple[str, ...]]:
    """The network without its word encoder, on the numbers that the encoder makes of the probe.

    Also the names of the parameters that are left out by that. The weights are shared.
    """
    if not isinstance(network.encode, WordEncoder):
        return network, probe, ()
    device = next(network.parameters()).device
    with torch.no_grad():
        x_TBI = network.encode(probe.batch.inputs.to(device)).cpu()
    names = tuple(f"encode.{name}" for name, _ in network.encode.named_parameters())
    return (
        network.reading_numbers(),
        replace(probe, batch=replace(probe.batch, inputs=x_TBI)),
        names,
    )
