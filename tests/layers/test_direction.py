"""One direction: the equations path equals torch's loop; the knobs do what their papers say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from rnnexp.layers.direction import HiddenDirection

KINDS = [("rnn", "tanh"), ("rnn", "relu"), ("lstm", "tanh"), ("gru", "tanh")]
TOLERANCE = 1e-12  # float64, sums of a few dozen terms


def direction(cell: str, activation: str = "tanh", **knobs: float) -> HiddenDirection:
    torch.manual_seed(0)
    return HiddenDirection(cell, 3, 4, activation, **knobs).double()  # type: ignore[arg-type]


@pytest.mark.parametrize(("cell", "activation"), KINDS)
def test_equations_equal_torchs_loop(cell: str, activation: str) -> None:
    layer, x_TBI = direction(cell, activation), torch.randn(7, 2, 3, dtype=torch.float64)
    theirs, their_state = layer(x_TBI)
    ours, our_state = layer._equations(x_TBI, None)
    torch.testing.assert_close(ours, theirs, atol=TOLERANCE, rtol=0)
    for mine, other in zip(our_state, their_state, strict=True):
        torch.testing.assert_close(mine, other, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(("cell", "activation"), KINDS)
@pytest.mark.parametrize("layer_norm", [False, True])
def test_state_carried_over_a_cut_changes_nothing(
    cell: str, activation: str, layer_norm: bool
) -> None:
    layer = direction(cell, activation, layer_norm=layer_norm)
    x_TBI = torch.randn(9, 2, 3, dtype=torch.float64)
    whole, last = layer(x_TBI)
    first, state = layer(x_TBI[:4])
    second, end = layer(x_TBI[4:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole, atol=TOLERANCE, rtol=0)
    for mine, other in zip(end, last, strict=True):
        torch.testing.assert_close(mine, other, atol=TOLERANCE, rtol=0)


def test_layer_norm_lstm_by_hand() -> None:
    layer = direction("lstm", layer_norm=True)
    x_BI = torch.randn(2, 3, dtype=torch.float64)
    W_xh, W_hh, b_xh, b_hh = layer.weights

    def norm(z: Tensor) -> Tensor:
        return F.layer_norm(z, z.shape[-1:])

    h = c = torch.zeros(2, 4, dtype=torch.float64)
    i, f, g, o = (norm(x_BI @ W_xh.T) + b_xh + norm(h @ W_hh.T) + b_hh).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * norm(c).tanh()
    output, (_, cell_state) = layer(x_BI.unsqueeze(0))
    torch.testing.assert_close(output[0], h, atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(cell_state, c, atol=TOLERANCE, rtol=0)


def test_recurrent_dropout_uses_one_mask_for_all_steps() -> None:
    layer = direction("rnn", recurrent_dropout=0.5)
    assert layer.path.name == "equations"
    W_xh, W_hh, b_xh, b_hh = layer.weights
    with torch.no_grad():
        W_xh.zero_()
        W_hh.copy_(torch.eye(4))
        b_xh.fill_(0.5)
        b_hh.zero_()
    layer.train()
    h_TBH, _ = layer(torch.zeros(6, 50, 3, dtype=torch.float64))
    # A dropped component is tanh(0.5) for ever; a kept one, scaled by 2, moves on every step.
    start = torch.tensor(0.5, dtype=torch.float64).tanh()
    dropped_TBH = torch.isclose(h_TBH[1:], start)
    assert torch.equal(dropped_TBH.all(0), dropped_TBH.any(0))
    assert 0.3 < dropped_TBH.double().mean() < 0.7
    layer.eval()
    assert not torch.isclose(layer(torch.zeros(2, 5, 3, dtype=torch.float64))[0][1], start).any()


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_learned_initial_state_gets_a_gradient(cell: str) -> None:
    layer = direction(cell, learned_state=True)
    layer(torch.randn(3, 2, 3, dtype=torch.float64))[0].sum().backward()
    assert layer.initial is not None
    assert layer.initial.grad is not None
    assert bool((layer.initial.grad != 0).all())
