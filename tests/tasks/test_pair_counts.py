"""Pairs counted in a table or by sorting, in one piece or in many: the same counts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from rnnexp.tasks import baselines
from rnnexp.tasks.baselines import PairCounts


@pytest.mark.parametrize("table", [0, 1 << 20])
@pytest.mark.parametrize("piece", [1, 10, 1000])
def test_counts(table: int, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "TABLE", table)
    rng = np.random.default_rng(0)
    a, b = rng.integers(5, size=300), rng.integers(7, size=300)
    pieces = ((a[i : i + piece], b[i : i + piece]) for i in range(0, 300, piece))
    counted = PairCounts.of(pieces, 6, 7)
    theirs = Counter(zip(a.tolist(), b.tolist(), strict=True))
    asked_a, asked_b = (grid.ravel() for grid in np.mgrid[:6, :7])
    ours = counted.count_of(asked_a, asked_b)
    assert ours.tolist() == [theirs[pair] for pair in zip(asked_a, asked_b, strict=True)]
