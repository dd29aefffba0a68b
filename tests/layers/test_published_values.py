"""Values that Keras publishes for its recurrent layers, met by ours.

Every kernel weight is 0.01, every recurrent one 0.02, the bias 0.03 (that of the LSTM's forget gate
1 unless told otherwise; the GRU has it twice, as its reset gate acts after the product). Input
counts upwards from 0. Figures: keras/src/layers/rnn/{simple_rnn,lstm,gru}_test.py.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import rnnexp


def layer(cell: str, inputs: int, units: int, *, bias: bool = True, forget: float = 1.0) -> Any:
    made = getattr(rnnexp, cell)(inputs, units, bias=bias, batch_first=True)
    with torch.no_grad():
        made.weight_ih_l0.fill_(0.01)
        made.weight_hh_l0.fill_(0.02)
        if bias:
            made.bias_ih_l0.fill_(0.03)
            made.bias_hh_l0.fill_(0.03 if cell == "GRU" else 0.0)
        if bias and cell == "LSTM":
            made.bias_ih_l0[units : 2 * units] = forget
    return made


def assert_equal(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)  # they print 7 digits of float32


def counting(*shape: int) -> Tensor:
    return torch.arange(float(torch.Size(shape).numel())).view(shape)


def last(made: nn.Module, x_BTI: Tensor, state: Any = None) -> Tensor:
    output_BTH: Tensor = made(x_BTI, state)[0]
    return output_BTH[:, -1]


@pytest.mark.parametrize(
    ("cell", "shape", "units", "settings", "backwards", "expected"),
    [
        ("RNN", (2, 3, 4), 4, {}, False, [0.405432, 0.73605347]),
        ("RNN", (2, 3, 4), 4, {}, True, [0.11144729, 0.5528889]),
        ("LSTM", (3, 6, 4), 3, {}, False, [0.6288687, 0.86899155, 0.9460773]),
        ("LSTM", (3, 6, 4), 3, {}, True, [0.35622165, 0.74789524, 0.8872726]),
        ("LSTM", (3, 6, 4), 3, {"forget": 0.03}, False, [0.57019705, 0.8661914, 0.9459622]),
        ("LSTM", (3, 6, 4), 3, {"bias": False}, False, [0.54986924, 0.86226785, 0.9443936]),
        ("GRU", (3, 6, 4), 3, {}, False, [0.5217289, 0.6371659, 0.39384964]),
        ("GRU", (3, 6, 4), 3, {}, True, [0.24406259, 0.611516, 0.3928808]),
        ("GRU", (3, 6, 4), 3, {"bias": False}, False, [0.49988455, 0.64701194, 0.4103359]),
    ],
)
def test_last_outputs(  # noqa: PLR0917
    cell: str,
    shape: tuple[int, ...],
    units: int,
    settings: dict[str, Any],
    backwards: bool,
    expected: list[float],
) -> None:
    x_BTI = counting(*shape)
    output_BH = last(
        layer(cell, shape[-1], units, **settings), x_BTI.flip(1) if backwards else x_BTI
    )
    expected_BH = torch.tensor(expected).unsqueeze(1).expand_as(output_BH)
    assert_equal(output_BH, expected_BH)


@pytest.mark.parametrize(
    ("cell", "units", "backwards", "expected"),
    [
        ("RNN", 4, False, [[0.33621645] * 4, [0.6262637] * 4]),
        ("RNN", 4, True, [[0.07344437] * 4, [0.43043602] * 4]),
        ("LSTM", 2, False, [[0.20574439, 0.3558822], [0.64930826, 0.66276]]),
        ("LSTM", 2, True, [[0.13281618, 0.2790356], [0.5839337, 0.5992567]]),
        ("GRU", 2, False, [[0.23774096, 0.33508456], [0.83659905, 1.0227708]]),
        ("GRU", 2, True, [[0.13486053, 0.23261218], [0.78257304, 0.9691353]]),
    ],
)
def test_from_a_given_state(
    cell: str, units: int, backwards: bool, expected: list[list[float]]
) -> None:
    x_BTI, h_1BH = counting(2, 4, 3), counting(1, 2, units)
    state = (h_1BH, h_1BH) if cell == "LSTM" else h_1BH
    output_BH = last(layer(cell, 3, units), x_BTI.flip(1) if backwards else x_BTI, state)
    assert_equal(output_BH, torch.tensor(expected))


def test_where_sequences_end_early() -> None:
    packed = pack_padded_sequence(counting(2, 4, 3), torch.tensor([3, 2]), batch_first=True)
    _, (h_1BH, _) = layer("LSTM", 3, 2)(packed)
    expected_BH = torch.tensor([[0.11755939] * 2, [0.28556206] * 2])
    assert_equal(h_1BH[0], expected_BH)
