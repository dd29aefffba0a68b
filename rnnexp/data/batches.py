"""Batches brought to the device that trains on them, the next one while this one is trained on.

Shape letters: N examples, T time, B batch, I input, O output. The order of the batches is a pure
function of seed and epoch, so nothing about it has to be stored.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnexp.data.dataset import Dataset, Sequences, Tokens, Values

__all__ = [
    "BUCKET",
    "Batch",
    "Batches",
    "ahead",
    "bucketed",
    "condition_of",
    "placed",
    "shuffled",
    "start_of",
    "teacher_of",
]


# The order of the training examples: a pure function of seed and epoch.
#
# A few examples are shuffled in a list. So many that the list would be as large as a data set are
# put through a keyed bijection of their numbers, a Feistel network that walks on until it is back
# in range (Black and Rogaway 2002), so that no list is made.

Words = NDArray[np.uint64]
LISTED = 1 << 20
"""examples whose order is held as a list, of 8 MB then"""
BLOCK = 1 << 16
ROUNDS = 6
MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio, as in SplitMix64


def shuffled(count: int, batch_size: int, seed: int, epoch: int) -> Iterator[Ints]:
    """Every example once, in batches, in an order that depends on seed and epoch alone."""
    rng = np.random.default_rng([seed, epoch])
    if count <= LISTED:
        order = rng.permutation(count)
        return (order[start : start + batch_size] for start in range(0, count, batch_size))
    return _computed(count, batch_size, rng.integers(2**64, size=ROUNDS, dtype=np.uint64))


def _computed(count: int, batch_size: int, keys: Words) -> Iterator[Ints]:
    block = max(1, BLOCK // batch_size) * batch_size
    for begin in range(0, count, block):
        order = _permute(np.arange(begin, min(begin + block, count)), count, keys)
        yield from (order[i : i + batch_size] for i in range(0, len(order), batch_size))


def _permute(places: Ints, count: int, keys: Words) -> Ints:
    """Where each of 0..count-1 goes: every number of that range once."""
    half = np.uint64((int(count - 1).bit_length() + 1) // 2)
    numbers = _network(places.astype(np.uint64), half, keys)
    while (outside := numbers >= count).any():
        numbers[outside] = _network(numbers[outside], half, keys)
    return numbers.astype(np.int64)


def _network(numbers: Words, half: np.uint64, keys: Words) -> Words:
    """A bijection of the numbers of 2 * half bits."""
    low = (np.uint64(1) << half) - np.uint64(1)
    left, right = numbers >> half, numbers & low
    for key in keys:
        mixed = (right ^ key) * MIX
        mixed ^= mixed >> np.uint64(29)
        left, right = right, left ^ ((mixed * MIX >> np.uint64(32)) & low)
    return left << half | right


# From the examples of a split to time-major batches of tensors.

Ints = NDArray[np.int64]

BUCKET = 50
"""batches that are sorted by length together: with 50, padding is a few percent of the steps"""


@dataclass(frozen=True)
class Batch:
    """B examples, time-major.

    inputs: (T, B, I) values or (T, B) ids. targets: (B, O) or (B,) for one answer per sequence,
    otherwise (T, B, O) or (T, B). lengths: (B,) or None where every example fills T.
    mask: (T, B) 1.0 where the target counts, or None where all do. count: how many targets count,
    known without asking the device; counts: (T,) the same of each step, where there is a mask.
    steps: valid input steps. rows: which examples these are.
    condition: (B, C) or (B,) ids in one-to-many; delayed: the sources, (S, B) ids or (S, B, I)
    values, with condition_lengths (B,). texts: the targets as they were written. teacher: (T, B, O)
    the true previous answers (delayed: (T, B) ids) and forced: (T, B, 1) 1.0 where they are read,
    for recurrences and decoders that read their output again.
    """

    inputs: Tensor
    targets: Tensor
    rows: Ints
    count: int
    steps: int
    lengths: Tensor | None = None
    mask: Tensor | None = None
    condition: Tensor | None = None
    condition_lengths: Tensor | None = None
    texts: tuple[str, ...] | None = None
    teacher: Tensor | None = None
    forced: Tensor | None = None
    counts: Ints | None = None

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        if device.type == "cpu":
            return self
        moved: dict[str, Any] = {
            name: value.pin_memory().to(device, non_blocking=True)
            for name, value in vars(self).items()
            if isinstance(value, Tensor)
        }
        return replace(self, **moved)

    def window(self, start: int, stop: int) -> Batch:
        """The time steps start..stop of a batch with one target per step."""
        mask = None if self.mask is None else self.mask[start:stop]
        inputs, targets = self.inputs[start:stop], self.targets[start:stop]
        teacher = None if self.teacher is None else self.teacher[start:stop]
        forced = None if self.forced is None else self.forced[start:stop]
        counts = None if self.counts is None else self.counts[start:stop]
        count = targets.shape[0] * targets.shape[1]
        if mask is not None:
            count = int(mask.sum() if counts is None else counts.sum())
        steps = count if self.lengths is not None else inputs.shape[0] * inputs.shape[1]
        return replace(
            self,
            inputs=inputs,
            targets=targets,
            mask=mask,
            count=count,
            steps=steps,
            lengths=None,
            teacher=teacher,
            forced=forced,
            counts=counts,
        )


def condition_of(batch: Batch) -> Tensor | tuple[Tensor, Tensor] | None:
    """What the network is told beside its inputs: one thing, or sources with their lengths."""
    if batch.condition is None or batch.condition_lengths is None:
        return batch.condition
    return batch.condition, batch.condition_lengths


def teacher_of(batch: Batch) -> tuple[Tensor, Tensor] | None:
    """The true previous answers and where they are read, or None."""
    if batch.teacher is None or batch.forced is None:
        return None
    return batch.teacher, batch.forced


class Batches:
    """The batches of one split, epoch by epoch.

    carry: consecutive windows of a stream go to the same row of consecutive batches, so that a
    state can be carried; otherwise (training) the examples are shuffled. part: how many time
    steps to score at once, so that memory does not grow with T; None for all.
    """

    def __init__(  # noqa: PLR0917
        self,
        dataset: Dataset,
        split: str,
        batch_size: int,
        seed: int,
        carry: bool = False,
        part: int | None = None,
    ) -> None:
        self.dataset, self.sequences = dataset, dataset.split(split)
        self.batch_size, self.seed, self.carry, self.part = batch_size, seed, carry, part

    def __len__(self) -> int:
        return math.ceil(len(self.sequences) / self.batch_size)

    def epoch(self, number: int, first: int = 0) -> Iterator[Batch]:
        """The training batches of an epoch, in that epoch's order, from batch `first` on.

        Where the examples differ in length, those of a batch are about equally long.
        """
        order, lengths = (self.seed, number), self.sequences.lengths
        if self.carry:
            rows = self._in_order()
        elif lengths is None:
            rows = shuffled(len(self.sequences), self.batch_size, *order)
        else:
            rows = bucketed(lengths, self.batch_size, *order)
        return map(self.take, islice(rows, first, None))

    def in_order(self) -> Iterator[Batch]:
        """Every example once: as streams with `carry`, otherwise first to last."""
        return map(self.take, self._in_order())

    def _in_order(self) -> Iterator[Ints]:
        order = streams if self.carry else _consecutive
        return order(len(self.sequences), self.batch_size)

    def take(self, rows: Ints) -> Batch:
        """The batch of the examples with these numbers."""
        split = self.sequences
        lengths = None if split.lengths is None else split.lengths[rows]
        if self.dataset.shape == "one_to_many":
            return self._conditioned(rows, lengths)
        if self.dataset.shape == "delayed":
            return self._delayed(rows, lengths)
        inputs = _time_major(split.inputs, rows, lengths)
        if self.dataset.shape == "many_to_one":
            targets, mask, counts = torch.from_numpy(split.targets[rows]), None, None
            count = len(rows)
        else:
            targets = _time_major(split.targets, rows, lengths)
            mask, counts = _mask(split, rows, lengths, len(inputs))
            count = _number(counts, targets)
        steps = inputs.shape[0] * inputs.shape[1] if lengths is None else int(lengths.sum())
        return Batch(
            inputs, targets, rows, count, steps, _tensor(lengths), _tensor(mask), counts=counts
        )

    def _conditioned(self, rows: Ints, lengths: Ints | None) -> Batch:
        """Inputs are the targets one step late: the start first, then each previous answer."""
        split, outputs = self.sequences, self.dataset.outputs
        targets = _time_major(split.targets, rows, lengths)
        inputs = torch.roll(targets, 1, dims=0)
        inputs[0] = start_of(outputs)
        mask, counts = _mask(split, rows, lengths, len(targets))
        count = _number(counts, targets)
        condition = torch.from_numpy(split.inputs[rows])
        valid = _tensor(lengths), _tensor(mask)
        return Batch(inputs, targets, rows, count, count, *valid, condition, counts=counts)

    def _delayed(self, rows: Ints, lengths: Ints | None) -> Batch:
        """The same with a whole sequence as the condition."""
        split = self.sequences
        source_lengths = np.full(len(rows), split.inputs.shape[1])
        if split.source_lengths is not None:
            source_lengths = split.source_lengths[rows]
        batch = self._conditioned(rows, lengths)
        return replace(
            batch,
            condition=_time_major(split.inputs, rows, source_lengths),
            condition_lengths=_tensor(source_lengths),
            steps=batch.steps + int(source_lengths.sum()),
            texts=None if split.texts is None else tuple(split.texts[row] for row in rows),
        )


def start_of(outputs: Values | Tokens) -> int:
    """What a generated sequence is opened with: the end token, or zeros."""
    return outputs.end or 0 if isinstance(outputs, Tokens) else 0


def bucketed(lengths: Ints, batch_size: int, seed: int, epoch: int) -> Iterator[Ints]:
    """Every example once, those of about one length together; order and company change by epoch.

    A shuffled stretch of `BUCKET` batches is sorted by length and cut into batches, so that little
    is padded and every batch is still a random choice among many; then the batches are shuffled.
    """
    random = np.random.default_rng([seed, epoch])
    order, stretch = random.permutation(len(lengths)), BUCKET * batch_size
    batches = []
    for start in range(0, len(order), stretch):
        rows = order[start : start + stretch]
        rows = rows[np.argsort(lengths[rows], kind="stable")]
        batches += [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
    return (batches[i] for i in random.permutation(len(batches)))


def streams(count: int, rows: int) -> Iterator[Ints]:
    """Cut 0..count-1 into `rows` parallel runs; each batch takes the next one of every run.

    Their lengths differ by at most one, longer ones first, so batches only ever lose rows at
    their end.
    """
    shorter, longer_runs = divmod(count, rows)
    row = np.arange(rows)
    starts = row * shorter + np.minimum(row, longer_runs)
    lengths = shorter + (row < longer_runs)
    for step in range(int(lengths.max())):
        yield (starts + step)[step < lengths]


def _consecutive(count: int, batch_size: int) -> Iterator[Ints]:
    return (
        np.arange(start, min(start + batch_size, count)) for start in range(0, count, batch_size)
    )


def _time_major(values: NDArray[np.generic], rows: Ints, lengths: Ints | None) -> Tensor:
    taken = values[rows] if lengths is None else values[rows, : int(lengths.max())]
    return torch.from_numpy(np.ascontiguousarray(taken.swapaxes(0, 1)))


def _mask(
    split: Sequences, rows: Ints, lengths: Ints | None, time: int
) -> tuple[NDArray[np.float32] | None, Ints | None]:
    """(T, B) which targets count, and (T,) how many at each step; None where all do."""
    if lengths is None and split.mask is None:
        return None, None
    counts = np.ones((time, len(rows)), dtype=bool)
    if lengths is not None:
        counts &= np.arange(time)[:, None] < lengths
    if split.mask is not None:
        counts &= split.mask[rows, :time].T
    return counts.astype(np.float32), counts.sum(1)


def _number(counts: Ints | None, targets: Tensor) -> int:
    """How many targets (T, B, ...) count."""
    return targets.shape[0] * targets.shape[1] if counts is None else int(counts.sum())


def _tensor(values: NDArray[np.generic] | None) -> Tensor | None:
    return None if values is None else torch.from_numpy(values)


# Batches brought to the device that trains on them, the next one while this one is trained on.


class Copier(Protocol):
    """Copies batches beside the work of the device."""

    def begin(self, batch: Batch) -> Batch:
        """Start the copy; what is returned may be read once `wait` has been called with it."""

    def wait(self, batch: Batch) -> Batch:
        """The same batch; work that is given to the device from now on finds it there."""


def placed(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """The batches on the device; in the memory of the CPU they already are."""
    return batches if device.type == "cpu" else ahead(batches, SideStream(device))


def ahead(batches: Iterator[Batch], copier: Copier) -> Iterator[Batch]:
    """Every batch in order; the copy of the next one is begun before one is handed out."""
    copying = None
    for batch in batches:
        begun = copier.begin(batch)
        if copying is not None:
            yield copier.wait(copying)
        copying = begun
    if copying is not None:
        yield copier.wait(copying)


class SideStream:
    """Copies from pinned memory on a stream of its own; waited for in the order of the begins."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.stream = device, torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._copied = deque[torch.cuda.Event]()

    def begin(self, batch: Batch) -> Batch:
        beside: AbstractContextManager[Any] = torch.cuda.stream(self.stream)
        with beside:
            copy = batch.to(self.device)
            self._copied.append(self.stream.record_event())
        return copy

    def wait(self, batch: Batch) -> Batch:
        current = torch.cuda.current_stream(self.device)
        current.wait_event(self._copied.popleft())
        for value in vars(batch).values():
            if isinstance(value, Tensor):
                value.record_stream(current)  # its memory is the side stream's: not free before
        return batch
