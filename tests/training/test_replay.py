"""What is computed again gives the gradient that keeping it would have given."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rnnexp.training.segments import replayed


def test_gradients_of_what_is_given_and_of_what_is_read() -> None:
    weight, given = torch.tensor([2.0, 3.0], requires_grad=True), torch.ones(2, requires_grad=True)
    idle = torch.ones(1, requires_grad=True)

    def run(x: Tensor, nothing: None) -> tuple[Tensor, ...]:
        assert nothing is None
        return (x * weight).exp(), x.detach()

    result, _ = replayed(run, [weight, idle], given, None)
    result.backward(torch.tensor([1.0, 10.0]))  # type: ignore[no-untyped-call]
    expected = weight.detach().exp() * torch.tensor([1.0, 10.0])
    torch.testing.assert_close(weight.grad, expected, rtol=1e-6, atol=0)  # times x, which is 1
    torch.testing.assert_close(given.grad, expected * weight.detach(), rtol=1e-6, atol=0)
    assert idle.grad is None


def test_it_is_run_twice_with_the_same_coins() -> None:
    seen, weight = [], torch.ones(4, requires_grad=True)

    def run() -> tuple[Tensor, ...]:
        seen.append(torch.rand(4))
        return (weight * seen[-1],)

    torch.manual_seed(0)
    (result,) = replayed(run, [weight])
    torch.rand(9)
    result.sum().backward()  # type: ignore[no-untyped-call]
    assert torch.equal(seen[0], seen[1])
    assert weight.grad is not None and torch.equal(weight.grad, seen[0])


def test_generators_go_on_from_where_the_backward_pass_found_them() -> None:
    weight = torch.ones(3, requires_grad=True)
    (result,) = replayed(lambda: (weight * torch.rand(3),), [weight])
    torch.manual_seed(7)
    result.sum().backward()  # type: ignore[no-untyped-call]
    ours = torch.rand(3)
    torch.manual_seed(7)
    assert torch.equal(ours, torch.rand(3))


def test_a_view_does_not_keep_what_it_looks_into() -> None:
    weight = torch.ones(1, requires_grad=True)
    last, whole = replayed(lambda: ((torch.ones(100, 8) * weight)[-1], weight * 2), [weight])
    assert last.untyped_storage().nbytes() == last.nbytes
    assert whole.item() == 2


def test_weights_that_change_in_between_are_noticed() -> None:
    weight = torch.ones(2, requires_grad=True)
    (result,) = replayed(lambda: (weight * 2,), [weight])
    with torch.no_grad():
        weight += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        result.sum().backward()  # type: ignore[no-untyped-call]
