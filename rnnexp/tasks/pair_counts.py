"""How often each answer came with each input token, counted piece by piece.

Shape letters: M steps, V input tokens, O classes, P different pairs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["PairCounts"]

Ints = NDArray[np.int64]
TABLE = 1 << 22
"""pairs that are counted in a table of all; more are sorted instead"""


@dataclass(frozen=True)
class PairCounts:
    """pairs: (P,) a * O + b for each pair that came, rising. counts: (P,) how often each did."""

    pairs: Ints
    counts: Ints
    classes: int

    @classmethod
    def of(cls, steps: Iterable[tuple[Ints, Ints]], tokens: int, classes: int) -> PairCounts:
        """Count the pairs of input tokens (M,) and answers (M,) of every piece."""
        codes = (inputs * classes + answers for inputs, answers in steps)
        if tokens * classes > TABLE:
            return cls(*_sorted_counts(codes), classes)
        table = np.zeros(tokens * classes, dtype=np.int64)
        for piece in codes:
            table += np.bincount(piece, minlength=len(table))
        pairs = np.flatnonzero(table)
        return cls(pairs, table[pairs], classes)

    def count_of(self, inputs: Ints, answers: Ints) -> Ints:
        """(M,) how often each pair came."""
        wanted = inputs * self.classes + answers
        place = np.minimum(np.searchsorted(self.pairs, wanted), len(self.pairs) - 1)
        return np.where(self.pairs[place] == wanted, self.counts[place], 0)


def _sorted_counts(codes: Iterable[Ints]) -> tuple[Ints, Ints]:
    """Different codes, rising, and their counts.

    Pieces are merged when they have as many codes as all before, so that each code is sorted a few
    times and not once per piece.
    """
    merged, waiting, size = (np.empty(0, np.int64),) * 2, [], 0
    for piece in codes:
        waiting.append(np.unique(piece, return_counts=True))
        size += len(waiting[-1][0])
        if size > len(merged[0]):
            merged, waiting, size = _merge([merged, *waiting]), [], 0
    return _merge([merged, *waiting])


def _merge(counted: list[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    codes, places = np.unique(np.concatenate([c for c, _ in counted]), return_inverse=True)
    counts = np.zeros(len(codes), dtype=np.int64)
    np.add.at(counts, places, np.concatenate([n for _, n in counted]))
    return codes, counts
