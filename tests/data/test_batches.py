"""Batches of sequences of about one length."""

from __future__ import annotations

import numpy as np

from rnnexp.data.batches import BUCKET, bucketed


def test_every_example_once() -> None:
    lengths = np.random.default_rng(0).integers(1, 50, size=1003)
    rows = np.concatenate(list(bucketed(lengths, 8, 0, 0)))
    np.testing.assert_array_equal(np.sort(rows), np.arange(1003))


def test_little_is_padded() -> None:
    """At random, with lengths 1..49, half of a batch of 8 would be padding."""
    lengths = np.random.default_rng(0).integers(1, 50, size=8 * BUCKET * 3)
    batches = [lengths[rows] for rows in bucketed(lengths, 8, 0, 0)]
    steps = sum(batch.max() * len(batch) for batch in batches)
    assert lengths.sum() / steps > 0.95


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    lengths = np.random.default_rng(0).integers(1, 50, size=400)

    def order(seed: int, epoch: int) -> list[int]:
        return [int(i) for rows in bucketed(lengths, 8, seed, epoch) for i in rows]

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3) and order(1, 2) != order(2, 2)


def test_batches_do_not_come_by_length() -> None:
    lengths = np.random.default_rng(0).integers(1, 50, size=800)
    means = [float(lengths[rows].mean()) for rows in bucketed(lengths, 8, 0, 0)]
    assert abs(float(np.corrcoef(means, np.arange(len(means)))[0, 1])) < 0.3
