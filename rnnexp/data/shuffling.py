"""The order of the training examples: a pure function of seed and epoch.

A few examples are shuffled in a list. So many that the list would be as large as a data set are
put through a keyed bijection of their numbers, a Feistel network that walks on until it is back in
range (Black and Rogaway 2002), so that no list is made.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["shuffled"]

Ints = NDArray[np.int64]
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
