"""Which examples train, which validate, which test. Nothing stands in two splits."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from rnnexp.config.config import Config
from rnnexp.config.schema.data import Split, Synthetic
from rnnexp.data.dataset import Ints, Sequences
from rnnexp.data.memory import check_memory

__all__ = ["SPLITS", "Three", "at_random", "bounds", "chronological", "independent"]

SPLITS = ("train", "val", "test")
Three = tuple[Sequences, Sequences, Sequences]


def bounds(n: int, split: Split) -> tuple[int, int]:
    """Where validation and where test begin among n things in order."""
    return round(n * split.train), round(n * (split.train + split.val))


def chronological(n: int, split: Split, cut: Callable[[int, int], Sequences]) -> Three:
    """Cut n steps of one stream in order; `cut(start, stop)` has the targets start..stop-1."""
    val, test = bounds(n, split)
    return cut(0, val), cut(val, test), cut(test, n)


def at_random(examples: Sequence[Hashable], split: Split, seed: int) -> tuple[Ints, Ints, Ints]:
    """Indices of the examples in each split, shuffled by `seed`.

    Equal examples go to the same split, so that none is trained on and tested on; the shares count
    examples, not distinct ones.
    """
    groups: dict[Hashable, int] = {}
    group_of = np.array([groups.setdefault(example, len(groups)) for example in examples], int)
    sizes = np.bincount(group_of, minlength=len(groups))
    order = np.random.default_rng(seed).permutation(len(groups))
    before = np.cumsum(sizes[order]) - sizes[order]
    split_of = np.empty(len(groups), dtype=np.int64)
    split_of[order] = np.searchsorted(bounds(len(examples), split), before, side="right")
    train, val, test = (np.flatnonzero(split_of[group_of] == k) for k in range(3))
    return train, val, test


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
