"""Layers that feed their output back, against a plain loop written from the equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

import rnnexp
from rnnexp.layers.output_recurrence import OutputRecurrence

T, B, I, H, O = 6, 3, 4, 5, 2  # noqa: E741
LAYERS = [rnnexp.OutputToHiddenRNN, rnnexp.OutputToOutputRNN]
FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "identity": lambda z: z,
    "softmax": lambda z: torch.softmax(z, -1),
}


def make(kind: type[OutputRecurrence], **options: Any) -> OutputRecurrence:
    torch.manual_seed(0)
    return kind(I, H, O, **options).double()


def by_the_equations(layer: OutputRecurrence, x: Tensor, o: Tensor, suffix: str = "l0") -> Tensor:
    """The lecture's loop, one step after the other."""
    w = {name.removesuffix(f"_{suffix}"): p for name, p in layer.named_parameters()}
    act, f = FUNCTIONS[layer.nonlinearity], FUNCTIONS[layer.output_nonlinearity]
    outputs = []
    for x_t in x:
        if isinstance(layer, rnnexp.OutputToHiddenRNN):
            z = x_t @ w["weight_ih"].T + w["bias_ih"] + o @ w["weight_oh"].T + w["bias_oh"]
            o = f(act(z) @ w["weight_ho"].T + w["bias_o"])
        else:
            h = act(x_t @ w["weight_ih"].T + w["bias_ih"])
            o = f(h @ w["weight_ho"].T + w["bias_o"] + o @ w["weight_oo"].T)
        outputs.append(o)
    return torch.stack(outputs)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("act", ["tanh", "relu"])
def test_values_and_gradients(kind: Any, function: str, act: str) -> None:
    """1e-12: both in float64."""
    layer = make(kind, nonlinearity=act, output_nonlinearity=function)
    x = torch.randn(T, B, I, dtype=torch.float64, requires_grad=True)
    o_0 = torch.randn(1, B, O, dtype=torch.float64, requires_grad=True)
    wanted = torch.randn(T, B, O, dtype=torch.float64)
    sides = []
    ours, last = layer(x, o_0)
    torch.testing.assert_close(last[0], ours[-1])
    for output in (ours, by_the_equations(layer, x, o_0[0])):
        loss = ((output - wanted) ** 2).sum()
        sides.append([output, *torch.autograd.grad(loss, [x, o_0, *layer.parameters()])])
    for mine, theirs in zip(*sides, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize("kind", LAYERS)
def test_interface_is_that_of_torch(kind: Any) -> None:
    layer = make(kind, num_layers=2, bidirectional=True)
    theirs = torch.nn.RNN(I, H, num_layers=2, bidirectional=True)
    x = torch.randn(T, B, I, dtype=torch.float64)
    output, last = layer(x)
    assert output.shape == (T, B, 2 * O)
    assert last.shape == (4, B, O)
    shared = {n for n, _ in theirs.named_parameters() if n.startswith(("weight_ih", "bias_ih"))}
    assert shared <= dict(layer.named_parameters()).keys()

    first = make(kind, num_layers=2, bidirectional=True, batch_first=True)
    torch.testing.assert_close(first(x.transpose(0, 1))[0].transpose(0, 1), output)
    alone, last_alone = layer(x[:, 1])
    torch.testing.assert_close(alone, output[:, 1])
    torch.testing.assert_close(last_alone, last[:, 1])
    assert {n for n, _ in make(kind, bias=False).named_parameters()} == {
        n for n, _ in make(kind).named_parameters() if n.startswith("weight")
    }
    copy = kind(I, H, O, num_layers=2, bidirectional=True).double()
    copy.load_state_dict(layer.state_dict())
    torch.testing.assert_close(copy(x)[0], output)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("lengths", [[6, 4, 1], [2, 6, 3]])
def test_packed_sequences(kind: Any, lengths: list[int]) -> None:
    """Each sequence gives what it gives alone: padding changes nothing."""
    layer = make(kind, num_layers=2, bidirectional=True)
    x = torch.randn(T, 3, I, dtype=torch.float64)
    falls = lengths == sorted(lengths, reverse=True)
    output, last = layer(pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=falls))
    assert isinstance(output, PackedSequence)
    padded, found = pad_packed_sequence(output)
    assert found.tolist() == lengths
    for b, length in enumerate(lengths):
        alone, last_alone = layer(x[:length, b])
        torch.testing.assert_close(padded[:length, b], alone)
        torch.testing.assert_close(last[:, b], last_alone)


@pytest.mark.parametrize("kind", LAYERS)
def test_teacher(kind: Any) -> None:
    """Forced everywhere, o_{t-1} is the teacher's; nowhere, it is the layer's own."""
    layer = make(kind)
    x, truth = torch.randn(T, B, I).double(), torch.randn(T, B, O).double()
    start = torch.zeros(B, O, dtype=torch.float64)
    free, _ = layer.scan(x, start)
    none, _ = layer.scan(x, start, teacher=(truth, torch.zeros(T, B, 1)))
    torch.testing.assert_close(none, free)
    forced, _ = layer.scan(x, start, teacher=(truth, torch.ones(T, B, 1)))
    for t in range(T):
        step, _ = layer.scan(x[t : t + 1], truth[t])
        torch.testing.assert_close(forced[t], step[0])


@pytest.mark.parametrize("kind", LAYERS)
def test_wrong_use_raises_what_torch_raises(kind: Any) -> None:
    layer = kind(I, H, O)
    cases: list[tuple[Callable[[], object], type[Exception]]] = [
        (lambda: layer(torch.zeros(2, 2, 2, I)), ValueError),
        (lambda: layer(torch.zeros(T, B, I + 1)), RuntimeError),
        (lambda: layer(torch.zeros(T, B, I), torch.zeros(1, B, O + 1)), RuntimeError),
        (lambda: kind(I, 0, O), ValueError),
        (lambda: kind(I, 2.0, O), TypeError),
        (lambda: kind(I, H, O, dropout=1.5), ValueError),
        (lambda: kind(I, H, O, nonlinearity="sin"), ValueError),
        (lambda: kind(I, H, O, output_nonlinearity="sin"), ValueError),
    ]
    for wrong, error in cases:
        with pytest.raises(error):
            wrong()
    with pytest.warns(UserWarning, match="no effect"):
        kind(I, H, O, dropout=0.5)


def test_dropout_between_layers_only_in_training() -> None:
    layer = make(rnnexp.OutputToHiddenRNN, num_layers=2, dropout=0.5)
    x = torch.randn(T, B, I, dtype=torch.float64)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])
