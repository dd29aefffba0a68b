"""The lecture's printed example, value for value."""

from __future__ import annotations

import numpy as np
import torch

from rnnexp.gradients.comparison_document import (
    HIDDEN,
    OUTPUT,
    compare_lecture,
    lecture,
    printed_difference,
)

# One unit in the last printed place: float32 products and tanh differ by that between CPUs.
LAST_PLACE = 2.5e-7


def test_values_are_those_that_the_lecture_prints() -> None:
    found = compare_lecture()
    assert found["passed"]
    assert list(found["shapes"].values()) == [[2, 5], [2, 2], [2], [2]]
    for step, hidden, output, x in zip(
        found["steps"], HIDDEN, OUTPUT, (1.0, 2.0, 3.0), strict=True
    ):
        assert step["x"] == [x] * 5
        np.testing.assert_allclose(step["z_x"], hidden, atol=LAST_PLACE)
        np.testing.assert_allclose(step["by_hand"], output, atol=LAST_PLACE)
        np.testing.assert_allclose(step["layer"], output, atol=LAST_PLACE)
    assert {c["precision"] for c in found["comparisons"]} == {"float64", "float32"}
    assert found["printed"]["largest"] <= LAST_PLACE


def test_another_value_is_told() -> None:
    assert printed_difference(np.array(HIDDEN) + 1e-3, np.array(OUTPUT)) > 9e-4


def test_random_state_is_left_as_it_was() -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    lecture()
    assert torch.equal(before, torch.get_rng_state())
