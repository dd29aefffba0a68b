from __future__ import annotations

from dataclasses import replace

from rnnexp.config.training_settings import Adam, Checkpointed, Sgd, Truncated
from rnnexp.layers.shapes import LayerPlan
from rnnexp.training.device import depth_of, training_bytes

LAYER = LayerPlan("lstm 1", "", "", True, "", parameters=1000, stored=100)


def test_estimate_counts_weights_optimizer_and_the_depth_of_the_graph() -> None:
    sgd, adam = Sgd(name="sgd"), Adam(name="adam")
    assert training_bytes([LAYER], sgd, 8, "full", 0) == 4 * 3000
    assert training_bytes([LAYER], adam, 8, "full", 0) == 4 * 4000
    assert training_bytes([LAYER], adam, 8, "full", 10) == 4 * (4000 + 8 * 10 * 150)
    assert training_bytes([LAYER], adam, 8, Truncated(k1=5, k2=5), 10) == 4 * (4000 + 8 * 5 * 150)


def test_truncation_bounds_the_depth() -> None:
    assert depth_of("full", 500) == 500
    assert depth_of(Truncated(k1=10, k2=30), 500) == 30
    assert depth_of(Truncated(k1=10, k2=30), 20) == 20


def test_segments_keep_one_of_them_and_the_borders_of_the_others() -> None:
    assert depth_of(Checkpointed(full=True, checkpoint_every=100), 10_000) == 200
    assert depth_of(Checkpointed(full=True, checkpoint_every=10), 10_000) == 1010
    assert depth_of(Checkpointed(full=True, checkpoint_every=1), 20) == 20


def test_answers_at_every_step_are_kept_however_bptt_is_run() -> None:
    output, sgd = replace(LAYER, name="output", parameters=0, stored=7), Sgd(name="sgd")
    cut = Checkpointed(full=True, checkpoint_every=100)
    needed = training_bytes([LAYER, output], sgd, 8, cut, 10_000)
    assert needed == 4 * (3000 + 8 * (200 * 100 + 10_000 * 7) * 3 // 2)
