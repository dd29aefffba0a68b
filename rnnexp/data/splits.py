"""Cutting one long series into examples.

Shape letters: S steps of the series, T time steps of a window, F features, N windows.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Split, Synthetic
from rnnexp.data.dataset import Floats, Ints, Sequences
from rnnexp.data.memory import check_memory

__all__ = [
    "SPLITS",
    "Fold",
    "at_random",
    "bounds",
    "consecutive",
    "independent",
    "joined",
    "overlapping",
    "recut",
]


# Which examples train, which validate, which test. Nothing stands in two splits.

SPLITS = ("train", "val", "test")
Three = tuple[Sequences, Sequences, Sequences]


def bounds(n: int, split: Split) -> tuple[int, int]:
    """Where validation and where test begin among n things in order."""
    return round(n * split.train), round(n * (split.train + split.val))


def chronological(n: int, split: Split, cut: Callable[[int, int], Sequences]) -> Three:
    """Cut n steps of one stream in order; `cut(start, stop)` has the targets start..stop-1."""
    val, test = bounds(n, split)
    return cut(0, val), cut(val, test), cut(test, n)


def at_random(
    examples: Sequence[Hashable],
    split: Split,
    seed: int,
    strata: Sequence[Hashable] | None = None,
    fold: Fold | None = None,
) -> tuple[Ints, Ints, Ints]:
    """Indices of the examples in each split, shuffled by `seed`.

    Equal examples go to the same split, so that none is trained on and tested on; the shares count
    examples, not distinct ones. strata: the class of each example, where each class is to have the
    same shares. fold: the test is this one of equal parts, and `split` parts the rest.
    """
    split_of = np.empty(len(examples), dtype=np.int64)
    classes = _numbered(strata) if strata is not None else np.zeros(len(examples), dtype=np.int64)
    random = np.random.default_rng(seed)
    for each in range(int(classes.max(initial=-1)) + 1):
        members = np.flatnonzero(classes == each)
        split_of[members] = _shuffled([examples[i] for i in members.tolist()], split, random, fold)
    train, val, test = (np.flatnonzero(split_of == k) for k in range(3))
    return train, val, test


def _shuffled(
    examples: Sequence[Hashable], split: Split, random: np.random.Generator, fold: Fold | None
) -> Ints:
    """0, 1 or 2 for each example: groups of equal ones in a random order, cut by the shares."""
    group_of = _numbered(examples)
    sizes = np.bincount(group_of)
    order = random.permutation(len(sizes))
    before = np.cumsum(sizes[order]) - sizes[order]
    ends = bounds(len(examples), split)
    if fold is not None:
        before, ends = fold.rotate(before, len(examples), split)
    split_of = np.empty(len(sizes), dtype=np.int64)
    split_of[order] = np.searchsorted(ends, before, side="right")
    chosen: Ints = split_of[group_of]
    return chosen


def _numbered(things: Sequence[Hashable]) -> Ints:
    """0, 1, ... in the order of first appearance, equal things alike."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(thing, len(numbers)) for thing in things], dtype=np.int64)


@dataclass(frozen=True)
class Fold:
    """One of `count` equal parts of the shuffled examples."""

    count: int
    number: int

    def rotate(self, places: Ints, n: int, split: Split) -> tuple[Ints, tuple[int, int]]:
        """The places 0..n-1 turned so that this fold comes last, and where val and it begin."""
        begin, end = (round(n * k / self.count) for k in (self.number, self.number + 1))
        rest = n - (end - begin)
        train = round(rest * split.train / (split.train + split.val))
        return (places - end) % n, (train, rest)


def independent(
    config: Config,
    data: Synthetic,
    steps: int,
    draw: Callable[[int, np.random.Generator], Sequences],
) -> Three:
    """Generate each split with a random stream of its own, spawned from one seed.

    steps: numbers per example, for the estimate of memory.

    Raises:
        MemoryExceededError: so many examples do not fit.
    """
    counts = [data.train, data.val, data.test]
    what = f"generating {sum(counts):,} examples of {steps:,} numbers"
    check_memory(sum(counts) * steps * 16, what, config.where("data.train"), "data.train")
    streams = np.random.SeedSequence(data.seed).spawn(3)
    train, val, test = (
        draw(count, np.random.default_rng(stream))
        for count, stream in zip(counts, streams, strict=True)
    )
    return train, val, test


# Cutting one long series into examples.


def overlapping(  # noqa: PLR0917
    series: Floats,
    start: int,
    stop: int,
    window: int,
    horizon: int,
    answers: Floats | None = None,
) -> Sequences:
    """One window (T, F) per target t in start..stop-1: its last input is step t - horizon.

    Inputs may reach back before `start`; targets whose window would begin before the series are
    left out. The inputs are a read-only view of the series (S, F): nothing is copied.
    answers: (S, O) what is predicted, where it is not the series itself.
    """
    first = max(start, window - 1 + horizon)
    stop = max(stop, first)
    windows_NTF = sliding_window_view(series, window, axis=0).transpose(0, 2, 1)
    begin = first - horizon - window + 1
    return Sequences(
        inputs=windows_NTF[begin : begin + stop - first],
        targets=(series if answers is None else answers)[first:stop],
        origin=np.arange(first, stop),
    )


def consecutive(  # noqa: PLR0917
    series: NDArray[Any],
    start: int,
    stop: int,
    window: int,
    horizon: int,
    answers: NDArray[Any] | None = None,
) -> Sequences:
    """Windows that follow each other without overlap: each target start..stop-1 exactly once.

    At every step the input is the series (S,) or (S, F) `horizon` steps before the target. The
    last window may be shorter; `lengths` says so.
    """
    first = max(start, horizon)
    stop = max(stop, first)
    origin = np.arange(first, stop, window)
    short = (stop - first) % window != 0
    return Sequences(
        inputs=_cut(series[first - horizon : stop - horizon], window),
        targets=_cut((series if answers is None else answers)[first:stop], window),
        lengths=np.minimum(window, stop - origin) if short else None,
        origin=origin,
    )


def joined(parts: Sequence[Sequences], begins: Sequence[int]) -> Sequences:
    """The windows of several series that begin at these steps of one long one; a single series
    stays a view.
    """
    if len(parts) == 1:
        return parts[0]
    lengths = None
    if any(part.lengths is not None for part in parts):
        full = parts[0].inputs.shape[1]
        lengths = np.concatenate(
            [np.full(len(p), full) if p.lengths is None else p.lengths for p in parts]
        )
    origins = (part.origin for part in parts)
    moved = [o + begin for o, begin in zip(origins, begins, strict=True) if o is not None]
    return Sequences(
        inputs=np.concatenate([part.inputs for part in parts]),
        targets=np.concatenate([part.targets for part in parts]),
        lengths=lengths,
        origin=np.concatenate(moved),
    )


def recut(split: Sequences, window: int) -> Sequences:
    """Consecutive windows cut anew, `window` steps long: each target still exactly once."""
    old = split.inputs.shape[1]
    lengths = np.full(len(split), old) if split.lengths is None else split.lengths
    valid_NT = np.arange(old) < lengths[:, None]
    inputs, targets = split.inputs[valid_NT], split.targets[valid_NT]
    begins = np.arange(0, len(inputs), window)
    return Sequences(
        _cut(inputs, window),
        _cut(targets, window),
        np.minimum(window, len(inputs) - begins) if len(inputs) % window else None,
        origin=None if split.origin is None else split.origin[0] + begins,
    )


def _cut(steps: NDArray[Any], window: int) -> NDArray[Any]:
    """Rows (N, T, ...) of a stretch (S, ...), the last one padded with zeros."""
    missing = -len(steps) % window
    if missing:
        steps = np.concatenate([steps, np.zeros((missing, *steps.shape[1:]), steps.dtype)])
    return steps.reshape(-1, window, *steps.shape[1:])
