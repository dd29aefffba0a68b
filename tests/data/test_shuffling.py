"""The order of examples: every one once, another in each epoch, no list of many."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from rnnexp.data import batches as shuffling
from rnnexp.data.batches import shuffled


@pytest.mark.parametrize("count", [1, 2, 3, 31, 64, 65, 1000])
@pytest.mark.parametrize("listed", [0, 1 << 20])
def test_every_example_once(count: int, listed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shuffling, "LISTED", listed)
    monkeypatch.setattr(shuffling, "BLOCK", 50)
    batches = list(shuffled(count, 7, 3, 1))
    assert sorted(np.concatenate(batches).tolist()) == list(range(count))
    assert {len(batch) for batch in batches[:-1]} <= {7}


def test_it_depends_on_seed_and_epoch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shuffling, "LISTED", 0)

    def order(seed: int, epoch: int) -> list[int]:
        return list(np.concatenate(list(shuffled(500, 32, seed, epoch))))

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(0, 1) != order(1, 0) != order(0, 0)


def test_it_is_as_mixed_as_a_shuffle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Correlations of places, neighbours included: a shuffle's have a spread of 1/sqrt(n) = 0.01;
    five of them are far more than a fair one shows.
    """
    monkeypatch.setattr(shuffling, "LISTED", 0)
    for epoch in range(5):
        order = np.concatenate(list(shuffled(10_000, 64, 0, epoch)))
        assert abs(np.corrcoef(order, np.arange(len(order)))[0, 1]) < 0.05
        assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.05


def test_memory_does_not_grow_with_the_examples() -> None:
    tracemalloc.start()
    batches = shuffled(10**9, 32, 0, 0)
    for _ in range(10):
        next(batches)
    assert tracemalloc.get_traced_memory()[1] < 16e6  # blocks of 65,536; a list would be 8 GB
    tracemalloc.stop()
