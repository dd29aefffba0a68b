"""rnnexp.RNN, LSTM and GRU take torch's place: same interface, same numbers, same complaints."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
import torch._dynamo
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import rnnexp
from rnnexp.kernels import native
from tests.kernels.problem import path_here

CELLS = ["RNN", "LSTM", "GRU"]
SETTINGS: list[dict[str, Any]] = [
    {},
    {"num_layers": 2, "bidirectional": True},
    {"batch_first": True, "bias": False},
]


def pair(cell: str, **settings: Any) -> tuple[nn.RNNBase, nn.RNNBase]:
    """Ours and theirs with the same weights."""
    ours = getattr(rnnexp, cell)(3, 4, **settings)
    theirs = getattr(nn, cell)(3, 4, **settings)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("settings", SETTINGS)
def test_forward_and_gradients_equal_torch(cell: str, settings: dict[str, Any]) -> None:
    ours, theirs = pair(cell, **settings)
    x = torch.randn(5, 5, 3)
    ours(x)[0].square().sum().backward()
    theirs(x)[0].square().sum().backward()
    for (name, mine), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, msg=name)


@pytest.mark.parametrize("cell", CELLS)
def test_packed_and_unbatched_input(cell: str) -> None:
    ours, theirs = pair(cell)
    packed = pack_padded_sequence(torch.randn(6, 3, 3), torch.tensor([6, 4, 1]))
    mine, other = (pad_packed_sequence(layer(packed)[0])[0] for layer in (ours, theirs))
    torch.testing.assert_close(mine, other)
    torch.testing.assert_close(ours(torch.ones(6, 3))[0], theirs(torch.ones(6, 3))[0])


@pytest.mark.parametrize("cell", CELLS)
def test_constructor_signature_is_torchs(cell: str) -> None:
    ours, theirs = getattr(rnnexp, cell), getattr(nn, cell)
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert list(ours(3, 4, 2).state_dict()) == list(theirs(3, 4, 2).state_dict())


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bad", [torch.ones(2, 3, 9), torch.ones(3), torch.ones(2, 3, 3, 3)])
def test_the_same_exceptions(cell: str, bad: torch.Tensor) -> None:
    ours, theirs = pair(cell)
    with pytest.raises(Exception) as expected:
        theirs(bad)
    with pytest.raises(type(expected.value)):
        ours(bad)


@pytest.mark.skipif(not native.instruction_set(), reason="no compiled kernels")
@pytest.mark.parametrize("cell", CELLS)
def test_export_and_compile_see_one_operator_a_layer(cell: str) -> None:
    ours, _ = pair(cell, num_layers=2, bidirectional=True)
    x = torch.randn(5, 5, 3)
    with torch._dynamo.config.patch(allow_rnn=True):  # torch's switch for all that is an nn.RNN
        compiled = torch.compile(ours, backend="aot_eager", fullgraph=True)
        assert torch.equal(compiled(x)[0], ours(x)[0])
    exported = torch.export.export(ours, (x,))
    operators = [n for n in exported.graph.nodes if "rnnexp.recurrence" in str(n.target)]
    assert len(operators) == 4
    torch.testing.assert_close(exported.module()(x)[0], ours(x)[0])


@pytest.mark.parametrize("cell", CELLS)
def test_torch_func_goes_torchs_own_way(cell: str) -> None:
    ours, theirs = pair(cell)
    x = torch.randn(5, 5, 3)

    def loss(layer: nn.Module) -> Any:
        return lambda weights: torch.func.functional_call(layer, weights, (x,))[0].square().sum()

    mine, other = (
        torch.func.grad(loss(layer))(dict(layer.named_parameters())) for layer in (ours, theirs)
    )
    for name, gradient in other.items():
        torch.testing.assert_close(mine[name], gradient)


@pytest.mark.parametrize("cell", CELLS)
def test_the_layer_says_which_path_and_why(cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, _ = pair(cell)
    x = torch.randn(5, 5, 3)
    assert ours.path(x).name == path_here(cell.lower())  # type: ignore[operator]
    for other, why in ((x.bfloat16(), "bfloat16"), (torch.ones(2, 3, 9), "shape")):
        path: Any = ours.path(other)  # type: ignore[operator]
        assert path.name == "torch" and (why in path.reason or "no compiled kernels" in path.reason)
    monkeypatch.setattr(native, "ASKED", "torch")
    assert ours.path(x).name == "torch"  # type: ignore[operator]


def test_unknown_attribute() -> None:
    with pytest.raises(AttributeError, match="Transformer"):
        rnnexp.Transformer  # noqa: B018
