"""The Jacobian curve against the brute-force product, its norms and its half-life."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rnnexp.gradients.jacobian_curve import (
    SpectralNorms,
    Spread,
    jacobian_norms,
    measure,
    scaled_products,
    spread_of,
)
from rnnexp.manual.through_time import products

PROMISED = 1e-8  # of the curve's largest value


def brute_force(reader: Any, values: Any, part: slice) -> Any:
    """Spectral and Frobenius norm (T + 1, B) by numpy's own SVD."""
    blocks = [P[:, part, part] for P in products(reader.cell, reader.weights, values)]
    return [
        np.array([np.linalg.norm(P, kind, axis=(-2, -1)) for P in blocks]) for kind in (2, "fro")
    ]


@pytest.mark.parametrize("name", ["rnn", "relu", "lstm", "gru"])
@pytest.mark.parametrize("scale", [0.3, 0.9, 1.0, 1.3, 3.0])
@pytest.mark.parametrize("inputs", [0.01, 1.0])
def test_ours_is_the_brute_force_product(
    make_reader: Any, name: str, scale: float, inputs: float
) -> None:
    reader, values = make_reader(name, scale, inputs=inputs)
    ours = jacobian_norms(reader, values)
    parts = {"": slice(None), "h_": slice(12)} if name == "lstm" else {"": slice(None)}
    for prefix, part in parts.items():
        for kind, theirs in zip(
            ("spectral", "frobenius"), brute_force(reader, values, part), strict=True
        ):
            off = np.abs(ours[prefix + kind] - theirs).max(0) / theirs.max(0)
            assert off.max() < PROMISED, (prefix, kind)


def test_a_near_isometry_of_many_units_and_one_long_sequence(make_reader: Any) -> None:
    """Clustered singular values: where the iteration proves nothing, the exact way is taken."""
    reader, values = make_reader("rnn", 1.0, T=60, B=2, H=48, inputs=0.005)
    ours = jacobian_norms(reader, values)["spectral"]
    theirs, _ = brute_force(reader, values, slice(None))
    assert np.abs(ours - theirs).max() < PROMISED
    assert 0.5 < theirs[-1].mean() < 1


def test_layer_normalisation_takes_the_literal_way(make_reader: Any) -> None:
    reader, values = make_reader("gru", normed=True)
    theirs, _ = brute_force(reader, values, slice(None))
    ours = jacobian_norms(reader, values)["spectral"]
    assert np.abs(ours - theirs).max() < PROMISED * theirs.max()


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_the_quick_product_is_the_literal_one(make_reader: Any, name: str) -> None:
    reader, values = make_reader(name, 1.2)
    ours = scaled_products(reader.cell, reader.weights, values)
    theirs = products(reader.cell, reader.weights, values)
    for (P, _, exponent), product in zip(ours, theirs, strict=True):
        unscaled = np.ldexp(P, exponent[:, None, None])
        assert np.abs(unscaled - product).max() <= 1e-13 * max(np.abs(product).max(), 1e-300)


def test_most_norms_are_proven_without_a_decomposition(make_reader: Any) -> None:
    reader, values = make_reader("rnn", 1.3, T=100, H=32)
    norms = SpectralNorms(3, 32)
    for P, _, exponent in scaled_products(reader.cell, reader.weights, values):
        norms.of(P, exponent)
    assert norms.seen == 303
    assert norms.exact < 60


def test_what_no_float_can_hold_is_infinity_or_zero_and_never_nan(make_reader: Any) -> None:
    """A linear layer: ||W^n|| = scale^n exactly, 10^400 and 10^-400 after 400 steps."""
    for scale, end in ((10.0, np.inf), (0.1, 0.0)):
        reader, values = make_reader("rnn", scale, T=400)
        reader.cell.activation = "identity"
        curve = measure(reader, [values])["spectral"]
        assert curve.mean[-1] == end
        assert curve.mean[300] == pytest.approx(scale**300, rel=1e-9)
        assert not np.isnan(curve.mean).any()


def test_forward_values_that_overflowed_count_as_infinite(make_reader: Any) -> None:
    reader, values = make_reader("rnn")
    values["h"][20] = np.nan
    curve = measure(reader, [values])["spectral"]
    assert curve.mean[-1] == np.inf
    assert not np.isnan(curve.mean).any()


def test_mean_and_spread_over_sequences_of_different_lengths() -> None:
    spread = spread_of([np.array([[1.0, 1.0], [0.5, 0.9], [0.1, 0.3]]), np.array([[1.0], [0.4]])])
    assert spread.mean == pytest.approx((1.0, 0.6, 0.2))
    assert (spread.low[1], spread.high[1]) == (0.4, 0.9)
    assert spread.at(2) == spread.at(9) == spread.mean[2]


def test_half_life_is_the_first_lag_below_half() -> None:
    def half_life(*mean: float) -> int | None:
        return Spread(mean, mean, mean).half_life

    assert half_life(1.0, 0.7, 0.5, 0.49, 0.9) == 3
    assert half_life(1.0, 2.0, 0.6) is None
    assert half_life(1.0, 0.0) == 1
