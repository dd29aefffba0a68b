"""Which examples train, which validate, which test. Nothing stands in two splits."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from rnnexp.config.config import Config
from rnnexp.config.schema.data import Split, Synthetic
from rnnexp.data.dataset import Ints, Sequences
from rnnexp.data.memory import check_memory

__all__ = ["SPLITS", "Fold", "Three", "at_random", "bounds", "chronological", "independent"]

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
