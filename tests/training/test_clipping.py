"""Clipping changes the gradient exactly as torch's functions do, and says truly whether it did."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from rnnexp.config.training_settings import Clip
from rnnexp.training.clipping import AutoClipper, Clipper, build_clipper
from rnnexp.training.update import gradient_norms


def gradients(scale: float = 1.0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [scale * torch.randn(n, 3, generator=generator) for n in (2, 5)]


def norm_of(gradients: list[Tensor]) -> float:
    return gradient_norms(gradients)[1].item()


def clip(clipper: Clipper, gradients: list[Tensor], norm: float) -> bool:
    """As an update does it, but for the optimizer, which divides as it reads the gradient."""
    divisor = clipper.divisor(norm)
    torch._foreach_div_(gradients, divisor)
    return divisor > 1 or clipper.cut(gradients, norm)


def clipped_by_torch(scale: float, **how: float) -> list[Tensor]:
    parameters = [torch.nn.Parameter(torch.zeros_like(g)) for g in gradients()]
    for parameter, gradient in zip(parameters, gradients(scale), strict=True):
        parameter.grad = gradient
    if "norm" in how:
        torch.nn.utils.clip_grad_norm_(parameters, how["norm"])
    else:
        torch.nn.utils.clip_grad_value_(parameters, how["value"])
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


@given(
    scale=st.floats(1e-3, 1e3), limit=st.floats(1e-2, 1e2), kind=st.sampled_from(["norm", "value"])
)
def test_equal_to_torch(scale: float, limit: float, kind: str) -> None:
    clipper, ours = build_clipper(Clip.model_validate({kind: limit})), gradients(scale)
    changed = clip(clipper, ours, norm_of(ours))
    for mine, theirs in zip(ours, clipped_by_torch(scale, **{kind: limit}), strict=True):
        # torch divides by norm + 1e-6, we by the norm.
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)
    assert changed is any(
        not torch.equal(mine, before) for mine, before in zip(ours, gradients(scale), strict=True)
    )


def test_no_clip_leaves_everything() -> None:
    clipper, ours = Clipper(), gradients(1e6)
    assert not clip(clipper, ours, norm_of(ours))
    assert all(torch.equal(a, b) for a, b in zip(ours, gradients(1e6), strict=True))
    assert norm_of(ours) == pytest.approx(
        float(torch.cat([g.flatten() for g in ours]).norm()), rel=1e-6
    )


def test_auto_threshold_is_a_factor_of_the_running_mean() -> None:
    clipper, ones = AutoClipper(2.0), gradients()
    unit = norm_of(ones)
    assert not clip(clipper, gradients(), unit)
    assert clipper.threshold is None
    for _ in range(50):
        assert not clip(clipper, gradients(), unit)
        assert clipper.threshold == pytest.approx(2 * unit)
    burst = gradients(100.0)
    assert clip(clipper, burst, norm_of(burst))
    assert norm_of(burst) == pytest.approx(2 * unit, rel=1e-4)
    clip(clipper, gradients(), unit)
    assert clipper.threshold == pytest.approx(2 * unit, rel=0.3)  # one burst counts at most tenfold


def test_auto_with_a_factor_below_one_does_not_die_away() -> None:
    clipper = AutoClipper(0.5)
    unit = norm_of(gradients())
    for _ in range(500):
        clip(clipper, gradients(), unit)
    assert clipper.threshold == pytest.approx(0.5 * unit, rel=1e-3)


def test_auto_waits_for_a_gradient_that_is_not_zero() -> None:
    clipper, zeros = AutoClipper(1.0), [torch.zeros(2, 3)]
    assert not clip(clipper, zeros, 0.0)
    ours = gradients()
    assert not clip(clipper, ours, norm_of(ours))
    assert all(torch.equal(a, b) for a, b in zip(ours, gradients(), strict=True))
    clip(clipper, ours, norm_of(ours))
    assert norm_of(ours) > 0.4 * norm_of(gradients())  # one of two norms was zero


def test_a_limit_on_components_is_not_called_a_threshold_of_the_norm() -> None:
    assert build_clipper(Clip(value=0.5)).in_force() == {"clip_value": 0.5}
    assert build_clipper(Clip(norm=0.5)).in_force() == {"clip_threshold": 0.5}
    assert build_clipper(None).in_force() == {}
