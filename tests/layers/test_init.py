"""Each way to start does what its name says, gate by gate."""

from __future__ import annotations

import pytest
import torch

from rnnexp.config.model_settings import Init
from rnnexp.layers.assembly import initialise, spectral_radius
from rnnexp.layers.direction import HiddenDirection
from rnnexp.layers.shapes import GATES


def recurrent_blocks(cell: str, init: Init, forget_bias: float = 1.0) -> list[torch.Tensor]:
    torch.manual_seed(0)
    direction = HiddenDirection(cell, 5, 16)
    initialise(direction, init, forget_bias)
    return list(direction.weights[1].detach().chunk(len(GATES[cell])))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_orthogonal_blocks(cell: str) -> None:
    for block_HH in recurrent_blocks(cell, Init(recurrent="orthogonal")):
        torch.testing.assert_close(block_HH @ block_HH.T, torch.eye(16), atol=1e-5, rtol=0)


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_identity_blocks(cell: str) -> None:
    for block_HH in recurrent_blocks(cell, Init(recurrent="identity")):
        assert torch.equal(block_HH, torch.eye(16))


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.7])
def test_spectral_radius_blocks(radius: float) -> None:
    init = Init(recurrent="spectral_radius", spectral_radius=radius)
    for block_HH in recurrent_blocks("lstm", init):
        assert spectral_radius(block_HH) == pytest.approx(radius, rel=1e-5)


def test_glorot_bounds() -> None:
    bound = (6 / (16 + 16)) ** 0.5
    for block_HH in recurrent_blocks("gru", Init(recurrent="glorot")):
        assert 0.8 * bound < block_HH.abs().max() <= bound


def test_torch_keeps_what_torch_drew() -> None:
    torch.manual_seed(3)
    direction = HiddenDirection("gru", 5, 16)
    before = [weight.clone() for weight in direction.weights[:2]]
    initialise(direction, Init(input="torch", recurrent="torch"))
    for old, new in zip(before, direction.weights, strict=False):
        assert torch.equal(old, new)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_chrono_opens_gates_for_as_long_as_the_sequences_are(cell: str) -> None:
    """Tallec and Ollivier 2018: U ~ uniform(1, T - 1), so sigmoid(b) is 1 - 1 / (1 + U)."""
    torch.manual_seed(0)
    direction = HiddenDirection(cell, 5, 500)
    initialise(direction, Init(), "chrono", time_steps=100)
    blocks = dict(zip(GATES[cell], direction.weights[2].chunk(len(GATES[cell])), strict=True))
    kept = blocks.pop("f" if cell == "lstm" else "z")
    drawn = kept.exp()
    assert 1 <= drawn.min() < 5 and 95 < drawn.max() <= 99
    assert 45 < drawn.mean() < 55  # 50, give or take 4 standard errors of 1.3
    if cell == "lstm":
        assert torch.equal(blocks.pop("i"), -kept)
    assert not any(block.any() for block in blocks.values())
    assert not direction.weights[3].any()


def test_chrono_of_the_shortest_sequences_is_neutral() -> None:
    for steps in (1, 2):
        direction = HiddenDirection("lstm", 5, 16)
        initialise(direction, Init(), "chrono", steps)
        assert not direction.weights[2].any()


def test_forget_gate_bias_lies_in_b_ih_alone() -> None:
    direction = HiddenDirection("lstm", 5, 16)
    initialise(direction, Init(), forget_bias=2.5)
    b_xh, b_hh = direction.weights[2:]
    assert [set(block.tolist()) for block in b_xh.chunk(4)] == [{0.0}, {2.5}, {0.0}, {0.0}]
    assert not b_hh.any()
