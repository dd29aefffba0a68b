from __future__ import annotations

from rnnexp.config.schema.training import Adam, Sgd, Truncated
from rnnexp.layers.shape_plan import LayerPlan
from rnnexp.training.memory import depth_of, training_bytes

LAYER = LayerPlan("lstm 1", "", "", True, "", parameters=1000, stored=100)


def test_estimate_counts_weights_optimizer_and_the_depth_of_the_graph() -> None:
    sgd, adam = Sgd(name="sgd"), Adam(name="adam")
    assert training_bytes([LAYER], sgd, 8, 0) == 4 * 3000
    assert training_bytes([LAYER], adam, 8, 0) == 4 * 4000
    assert training_bytes([LAYER], adam, 8, 10) == 4 * (4000 + 8 * 10 * 150)


def test_truncation_bounds_the_depth() -> None:
    assert depth_of("full", 500) == 500
    assert depth_of(Truncated(k1=10, k2=30), 500) == 30
    assert depth_of(Truncated(k1=10, k2=30), 20) == 20
