from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnexp.config.data_settings import Split
from rnnexp.data.splits import at_random, bounds


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200), st.integers(0, 5))
def test_random_split_takes_each_example_once_and_keeps_equals_together(
    examples: list[int], seed: int
) -> None:
    parts = at_random(examples, Split(), seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(examples)))
    kinds = [{examples[i] for i in part} for part in parts]
    assert not kinds[0] & kinds[1]
    assert not kinds[0] & kinds[2]
    assert not kinds[1] & kinds[2]


def test_random_split_keeps_the_shares_of_distinct_examples() -> None:
    parts = at_random(range(1000), Split(train=0.8, val=0.1, test=0.1), 0)
    assert [len(part) for part in parts] == [800, 100, 100]


def test_random_split_depends_on_its_seed_alone() -> None:
    first, again, other = (at_random(range(50), Split(), seed)[0].tolist() for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(("n", "expected"), [(309, (216, 263)), (10, (7, 8)), (0, (0, 0))])
def test_bounds_round_to_the_nearest_step(n: int, expected: tuple[int, int]) -> None:
    assert bounds(n, Split()) == expected
