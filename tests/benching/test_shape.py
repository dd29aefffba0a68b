"""Shapes are read strictly, and the arithmetic of a step is what torch itself counts."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from rnnexp.benching.shape import GATES, GRID, SMALL_GRID, Shape, flops_of_step

SHAPES = [Shape(3, 5, 2, 4, 1), Shape(2, 6, 7, 3, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("cell", GATES)
def test_flops_are_those_that_torch_counts(cell: str, shape: Shape) -> None:
    layer = getattr(nn, cell.upper())(shape.I, shape.H, shape.L)
    layer.double()  # in float32 the LSTM is one call into oneDNN, which nobody looks into
    with FlopCounterMode(display=False) as counter:
        output, _ = layer(torch.randn(shape.T, shape.B, shape.I, dtype=torch.float64))
        output[-1].sum().backward()
    # Exactly, but for h_0: it is zero and needs no gradient, so torch leaves out one product a
    # layer of the T that we count.
    first = 2 * shape.B * GATES[cell] * shape.H * shape.H * shape.L
    assert counter.get_total_flops() == flops_of_step(cell, shape) - first


@pytest.mark.parametrize(
    "text", ["1,2,3,4", "1,2,3,4,5,6", "0,1,1,1,1", "a,1,1,1,1", "", "1,1,1,99999,1"]
)
def test_what_is_no_shape_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Shape.of(text)


def test_shapes_are_spelt_as_they_are_read() -> None:
    assert [Shape.of(str(shape)) for shape in GRID] == list(GRID)
    assert set(SMALL_GRID) < set(GRID)
