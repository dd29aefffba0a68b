"""Both sides do the same work: the same losses from the same weights, and they fall."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

import rnnexp
from rnnexp.benching.shape import CELLS, Shape
from rnnexp.benching.torch_step import make_step, path_of

SHAPE = Shape(8, 6, 2, 5, 2)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As the worker sees to; several threads wait for whatever else this machine does."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("cell", CELLS)
def test_ours_and_theirs_learn_alike(cell: str) -> None:
    ours, path = make_step(cell, SHAPE, ours=True)
    theirs, none = make_step(cell, SHAPE, ours=False)
    assert path is not None and none is None
    losses = [(ours(), theirs()) for _ in range(20)]
    for mine, other in losses:
        assert mine == pytest.approx(other, rel=1e-4)  # float32 sums in another order, 20 updates
    assert losses[-1][0] < losses[0][0]


def test_a_layer_names_its_path() -> None:
    name, reason = path_of(rnnexp.GRU(2, 3), torch.zeros(4, 5, 2))
    assert name and reason
