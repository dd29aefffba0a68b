"""The double sum of backpropagation through time, term by term, and the product of Jacobians."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rnnexp.manual.hand_cells import (
    Cell,
    GruCell,
    LstmCell,
    OutputToHiddenCell,
    OutputToOutputCell,
    RnnCell,
)
from rnnexp.manual.hand_network import Reader, ReaderSum
from rnnexp.manual.through_time import contributions, jacobian, products
from rnnexp.manual.unroll import by_lag, double_sum, unroll

T, I, H, O = 7, 2, 3, 2  # noqa: E741


def case(name: str) -> tuple[Cell, dict[str, Any]]:
    rng = np.random.default_rng(3)
    cells: dict[str, tuple[Cell, int]] = {
        "rnn": (RnnCell(H), 1),
        "relu": (RnnCell(H, "relu"), 1),
        "lstm": (LstmCell(H), 4),
        "gru": (GruCell(H), 3),
        "output_to_hidden": (OutputToHiddenCell(O, "tanh", "softmax", logits=True), 1),
        "output_to_output": (OutputToOutputCell(O, "tanh", "tanh", logits=False), 1),
    }
    cell, gates = cells[name]
    shapes: dict[str, tuple[int, ...]] = {"W_xh": (gates * H, I), "b_xh": (gates * H,)}
    if name == "output_to_hidden":
        shapes |= {"W_oh": (H, O), "b_oh": (H,), "W_ho": (O, H), "b_o": (O,)}
    elif name == "output_to_output":
        shapes |= {"W_ho": (O, H), "b_o": (O,), "W_oo": (O, O)}
    else:
        shapes |= {"W_hh": (gates * H, H), "b_hh": (gates * H,)}
    return cell, {symbol: rng.standard_normal(shape) for symbol, shape in shapes.items()}


NAMES = ["rnn", "relu", "lstm", "gru", "output_to_hidden", "output_to_output"]


@pytest.mark.parametrize("name", NAMES)
def test_jacobian_is_the_central_difference(name: str) -> None:
    cell, w = case(name)
    rng, e = np.random.default_rng(4), 1e-6
    x, s = rng.standard_normal(I), rng.standard_normal(cell.state_size)
    ours = jacobian(cell, w, cell.forward(w, x, s))
    steps = e * np.eye(cell.state_size)
    theirs = np.stack(
        [
            (cell.forward(w, x, s + d)["s"] - cell.forward(w, x, s - d)["s"]) / (2 * e)
            for d in steps
        ],
        axis=-1,
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_products_are_the_jacobians_multiplied(name: str) -> None:
    cell, w = case(name)
    rng = np.random.default_rng(5)
    values = unroll(cell, w, rng.standard_normal((T, I)), np.zeros(cell.state_size))
    each = jacobian(cell, w, values)
    brute = np.eye(cell.state_size)
    found = list(products(cell, w, values))
    assert len(found) == T + 1
    np.testing.assert_array_equal(found[0], brute)
    for lag in range(1, T + 1):
        brute = brute @ each[T - lag]
        np.testing.assert_allclose(found[lag], brute, atol=1e-12)


def test_plain_jacobian_is_the_lectures() -> None:
    """dh_t/dh_{t-1} = diag(1 - h_t^2) W_hh."""
    cell, w = case("rnn")
    values = unroll(cell, w, np.ones((T, I)), np.zeros(H))
    theirs = (1 - values["h"] ** 2)[:, :, None] * w["W_hh"]
    np.testing.assert_allclose(jacobian(cell, w, values), theirs, atol=1e-15)


def test_double_sum_written_out() -> None:
    """sum over t, over k <= t: dL_t/dh_t, times each Jacobian from k+1 to t, times h_{k-1}."""
    cell, w = case("rnn")
    rng = np.random.default_rng(6)
    values, dy = (
        unroll(cell, w, rng.standard_normal((T, I)), np.zeros(H)),
        rng.standard_normal((T, H)),
    )
    J, h = jacobian(cell, w, values), np.concatenate([np.zeros((1, H)), values["h"]])
    total, lagged = np.zeros((H, H)), np.zeros((T, H, H))
    for t in range(T):
        for k in range(t + 1):
            v = dy[t]
            for i in range(t, k, -1):
                v = v @ J[i]
            term = np.outer(v * (1 - values["h"][k] ** 2), h[k])
            total += term
            lagged[t - k] += term
    np.testing.assert_allclose(double_sum(cell, w, values, dy).weights["W_hh"], total, atol=1e-12)
    for found in by_lag(cell, w, values, dy):
        np.testing.assert_allclose(found.weights["W_hh"], lagged[found.lag], atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_contributions_add_up(name: str) -> None:
    cell, w = case(name)
    rng, sums = np.random.default_rng(7), []
    for length in (4, T):
        values = unroll(cell, w, rng.standard_normal((length, I)), np.zeros(cell.state_size))
        dy = rng.standard_normal((length, cell.output_size))
        gradients = double_sum(cell, w, values, dy)
        sums.append(ReaderSum("layer 1", Reader(cell, w), values, dy, gradients))
    found = contributions(sums)
    assert [each.lag for each in found] == list(range(T))
    assert sum(each.share for each in found) == pytest.approx(1)
    assert all(each.norm >= 0 for each in found)
