"""What is kept, and that what is drawn follows the distribution that is left."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnnexp.tasks.decoding import Sampling, draw, keep_top_k, keep_top_p, probabilities

LOGITS = st.lists(st.floats(-8, 8, width=32), min_size=2, max_size=12)


@given(LOGITS, st.integers(1, 15))
def test_top_k_keeps_exactly_k_and_the_largest(logits: list[float], k: int) -> None:
    row = torch.tensor([logits])
    kept = torch.isfinite(keep_top_k(row, k))[0]
    assert int(kept.sum()) == min(k, len(logits))
    if not kept.all():
        assert row[0][kept].min() >= row[0][~kept].max()


def test_of_equal_logits_exactly_k_stay() -> None:
    assert int(torch.isfinite(keep_top_k(torch.zeros(1, 5), 2)).sum()) == 2


@given(LOGITS, st.floats(0.01, 1.0))
def test_top_p_keeps_the_smallest_set_that_reaches_p(logits: list[float], p: float) -> None:
    row = torch.tensor([logits], dtype=torch.float64)
    shares = row.softmax(-1)[0]
    kept = shares[torch.isfinite(keep_top_p(row, p))[0]]
    # 1e-9: the sums are taken in another order.
    assert kept.sum() >= p - 1e-9
    assert kept.sum() - kept.min() < p + 1e-9
    assert len(kept) == len(logits) or kept.min() >= shares.sort(descending=True)[0][len(kept)]


def test_temperature_zero_takes_the_likeliest_and_low_ones_nearly_always() -> None:
    logits = torch.tensor([[0.0, 1.0, 0.5]]).expand(200, -1)
    uniform = torch.linspace(0.001, 0.999, 200)
    assert (draw(logits, Sampling(0.0), uniform) == 1).all()
    assert (draw(logits, Sampling(0.01), uniform) == 1).all()
    hot = probabilities(logits[:1], Sampling(100.0))
    assert hot.max() - hot.min() < 0.01


def test_draws_follow_the_distribution() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    sampling = Sampling(temperature=0.7, top_k=3)
    uniform = torch.rand(20_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    drawn = draw(logits.expand(20_000, -1), sampling, uniform)
    shares = torch.bincount(drawn, minlength=4) / 20_000
    # 0.015 is over four standard deviations of a share of one half among 20,000.
    assert torch.allclose(shares, probabilities(logits, sampling)[0], atol=0.015)
    assert shares[3] == 0


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-53])
def test_the_ends_of_chance_never_reach_what_was_left_out(uniform: float) -> None:
    logits = torch.tensor([[-20.0, 5.0, 4.0, -20.0]])
    drawn = draw(logits, Sampling(top_k=2), torch.tensor([uniform], dtype=torch.float64))
    assert drawn.item() in (1, 2)
