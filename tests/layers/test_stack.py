"""The stack against torch's own stacked, bidirectional and packed layers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnnexp.layers.direction import HiddenDirection
from rnnexp.layers.padding import reverse, take_last
from rnnexp.layers.stack import RecurrentLayer, Stack

LENGTHS = torch.tensor([6, 4, 1])
TOLERANCE = 1e-12  # float64


def bidirectional_pair(cell: str, returns: bool) -> tuple[RecurrentLayer, nn.RNNBase]:
    """Our layer and torch's with the same weights."""
    torch.manual_seed(0)
    theirs = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell](3, 4, bidirectional=True)
    readers = HiddenDirection(cell, 3, 4), HiddenDirection(cell, 3, 4)
    for reader, suffix in zip(readers, ("_l0", "_l0_reverse"), strict=True):
        for name, parameter in reader.rnn.named_parameters():
            parameter.data.copy_(theirs.get_parameter(name.replace("_l0", suffix)))
    return RecurrentLayer(readers[0], readers[1], "concat", returns).double(), theirs.double()


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_masked_bidirectional_layer_equals_torchs_packed_one(cell: str) -> None:
    ours, theirs = bidirectional_pair(cell, returns=True)
    x_TBI = torch.randn(6, 3, 3, dtype=torch.float64)
    expected, _ = pad_packed_sequence(theirs(pack_padded_sequence(x_TBI, LENGTHS))[0])
    output, _ = ours(x_TBI, None, LENGTHS)
    valid_TB = torch.arange(6).unsqueeze(1) < LENGTHS
    torch.testing.assert_close(output[valid_TB], expected[valid_TB], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_last_output_is_the_final_valid_state_of_each_direction(cell: str) -> None:
    ours, theirs = bidirectional_pair(cell, returns=False)
    x_TBI = torch.randn(6, 3, 3, dtype=torch.float64)
    state = theirs(pack_padded_sequence(x_TBI, LENGTHS))[1]
    h_2BH = state[0] if cell == "lstm" else state
    output, _ = ours(x_TBI, None, LENGTHS)
    torch.testing.assert_close(output, torch.cat([*h_2BH], -1), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("returns", [True, False])
def test_what_padding_holds_never_matters(returns: bool) -> None:
    layer, _ = bidirectional_pair("lstm", returns)
    x_TBI = torch.randn(6, 3, 3, dtype=torch.float64)
    padding_TB = torch.arange(6).unsqueeze(1) >= LENGTHS
    other_TBI = x_TBI.masked_fill(padding_TB.unsqueeze(-1), 1e3)
    mine, other = layer(x_TBI, None, LENGTHS)[0], layer(other_TBI, None, LENGTHS)[0]
    keep = ~padding_TB if returns else slice(None)
    assert torch.equal(mine[keep], other[keep])


def test_merges() -> None:
    layer, _ = bidirectional_pair("rnn", returns=True)
    x_TBI = torch.randn(5, 2, 3, dtype=torch.float64)
    forwards, backwards = layer(x_TBI)[0].chunk(2, -1)
    layer.merge = "sum"
    torch.testing.assert_close(layer(x_TBI)[0], forwards + backwards)
    layer.merge = "mean"
    torch.testing.assert_close(layer(x_TBI)[0], (forwards + backwards) / 2)


def test_stack_equals_torchs_two_layers() -> None:
    torch.manual_seed(0)
    theirs = nn.GRU(3, 4, num_layers=2).double()
    readers = [HiddenDirection("gru", size, 4).double() for size in (3, 4)]
    for index, reader in enumerate(readers):
        for name, parameter in reader.rnn.named_parameters():
            parameter.data.copy_(theirs.get_parameter(name.replace("_l0", f"_l{index}")))
    ours = Stack([RecurrentLayer(reader, None, "concat", True) for reader in readers])
    x_TBI = torch.randn(5, 2, 3, dtype=torch.float64)
    output, state = ours(x_TBI)
    expected, h_LBH = theirs(x_TBI)
    torch.testing.assert_close(output, expected, atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(torch.stack([s for (s,) in state]), h_LBH, atol=TOLERANCE, rtol=0)


def test_dropout_lies_between_layers_only() -> None:
    readers = [HiddenDirection("rnn", 3, 3) for _ in range(2)]
    layers = [RecurrentLayer(reader, None, "concat", True) for reader in readers]
    x_TBI = torch.randn(4, 2, 3)
    one, two = Stack(layers[:1], dropout=0.9), Stack(layers, dropout=0.9)
    assert torch.equal(one(x_TBI)[0], one(x_TBI)[0])
    assert not torch.equal(two(x_TBI)[0], two(x_TBI)[0])
    two.eval()
    assert torch.equal(two(x_TBI)[0], two(x_TBI)[0])


def test_reverse_and_take_last() -> None:
    x_TBI = torch.arange(12.0).view(4, 3, 1)
    lengths = torch.tensor([4, 2, 1])
    backwards = reverse(x_TBI, lengths)[..., 0].T.tolist()
    assert backwards == [[9, 6, 3, 0], [4, 1, 7, 10], [2, 5, 8, 11]]
    assert take_last(x_TBI, lengths)[:, 0].tolist() == [9, 4, 2]
    last: Tensor = take_last(x_TBI, None)
    assert last[:, 0].tolist() == [9, 10, 11]
