"""The pools by hand against central differences."""

from __future__ import annotations

import numpy as np
import pytest

from rnnexp.manual.hand_cells import Array
from rnnexp.manual.hand_network import pooled, pooled_gradient


@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("leading", [(), (2,)])
def test_gradient_is_the_central_difference(pooling: str, leading: tuple[int, ...]) -> None:
    rng, e = np.random.default_rng(0), 1e-6
    y, d_top = rng.standard_normal((5, *leading, 3)), rng.standard_normal((*leading, 3))
    ours, theirs = pooled_gradient(y, d_top, pooling), np.zeros_like(y)

    def loss(values: Array) -> float:
        return float((pooled(values, pooling) * d_top).sum())

    for place in np.ndindex(y.shape):
        step = np.zeros_like(y)
        step[place] = e
        theirs[place] = (loss(y + step) - loss(y - step)) / (2 * e)
    np.testing.assert_allclose(ours, theirs, atol=1e-8)  # e^2 and rounding by e


def test_steps_that_share_the_largest_value_share_its_gradient() -> None:
    y = np.array([[1.0, 0.0], [1.0, 3.0], [0.0, 2.0]])
    gradient = pooled_gradient(y, np.array([1.0, 1.0]), "max")
    np.testing.assert_array_equal(gradient, [[0.5, 0.0], [0.5, 1.0], [0.0, 0.0]])


def test_the_last_step_is_read_as_it_is() -> None:
    y = np.ones((2, 3))
    assert pooled(y, "last") is y
    assert pooled_gradient(y, y, "last") is y
