"""`rnnexp::recurrence` against torch's own loops: every instruction set, shape, mask and stride."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from rnnexp.kernels import native, recurrence
from rnnexp.kernels.twice import torch_loop
from tests.kernels.problem import GATES, TOLERANCE, Problem, assert_equal, drawn_problem

pytestmark = pytest.mark.skipif(not native.usable(), reason="no compiler: no compiled kernels")


@pytest.fixture(params=native.usable())
def instructions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(native, "ASKED", request.param)
    name: str = request.param
    return name


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("dtype", TOLERANCE)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_equals_torch(instructions: str, cell: str, dtype: torch.dtype, data: Any) -> None:
    problem, how = drawn_problem(data.draw, cell, dtype)
    before = torch.get_num_threads()
    torch.set_num_threads(data.draw(st.integers(1, 3)))
    try:
        assert_equal(problem, **how)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("rows", [300, 37])  # several chunks of steps, and one step of many chunks
def test_equals_torch_over_chunks(instructions: str, cell: str, rows: int) -> None:
    assert_equal(
        Problem(cell, 40, rows, 9, 33, torch.float32), reverse=False, sequence=True, last=True
    )


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [None, [4, 2, 1]])
def test_first_and_second_derivative(cell: str, reverse: bool, lengths: list[int] | None) -> None:
    problem = Problem(cell, 4, 3, 2, 3, lengths=lengths)
    leaves = problem.leaves

    def run(*given: Tensor) -> tuple[Tensor, ...]:
        x, W_x, W_h, b_x, b_h, h_0, *c_0 = given
        found = recurrence(
            cell, x, (W_x, W_h, b_x, b_h), h_0, c_0[0] if c_0 else None, problem.rows, reverse
        )
        return tuple(t for t in found if t is not None)

    assert torch.autograd.gradcheck(run, leaves)
    if cell != "relu":  # its second derivative is zero but for the kink
        assert torch.autograd.gradgradcheck(run, leaves)


@pytest.mark.parametrize("cell", GATES)
def test_torch_finds_the_operator_sound(cell: str) -> None:
    problem = Problem(cell, 5, 3, 2, 4)
    assert len(problem.leaves) > 5
    given = (problem.x, *problem.weights, problem.h_0, problem.c_0, None, cell, False, True)
    torch.library.opcheck(torch.ops.rnnexp.recurrence.default, given)


@pytest.mark.parametrize("index", range(7))
def test_shapes_that_do_not_fit_never_reach_the_kernels(index: int) -> None:
    problem = Problem("lstm", 5, 3, 2, 4)
    given: list[Any] = [problem.x, *problem.weights, problem.h_0, problem.c_0]
    given[index] = given[index][..., :1].contiguous()
    with pytest.raises(ValueError, match="lstm cell: shapes do not fit"):
        recurrence("lstm", given[0], given[1:5], *given[5:])


@pytest.mark.parametrize("rows", [[3, 3, 3], [2, 3, 1], [3, 2, 2]])
def test_rows_that_are_not_those_of_a_packed_sequence(rows: list[int]) -> None:
    problem = Problem("gru", 3, 3, 2, 4, lengths=[3, 2, 1])
    with pytest.raises(ValueError, match="do not fit"):
        recurrence("gru", problem.x, problem.weights, problem.h_0, None, torch.tensor(rows))


def test_threads_of_our_own_where_torch_lends_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "PARALLEL", 0)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert_equal(Problem("lstm", 9, 7, 5, 6), reverse=False, sequence=True, last=True)
    finally:
        torch.set_num_threads(before)


def test_other_kernels_on_the_way_back_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    if len(native.usable()) < 2:
        pytest.skip("one instruction set alone")
    problem = Problem("lstm", 5, 3, 2, 9)
    assert all(leaf.requires_grad for leaf in problem.leaves)
    out, _, _ = recurrence("lstm", problem.x, problem.weights)
    monkeypatch.setattr(native, "ASKED", native.usable()[-1])
    with pytest.raises(ValueError, match="saved"):
        out.sum().backward()  # type: ignore[no-untyped-call]


def test_nothing_is_saved_where_no_gradient_is_wanted() -> None:
    problem = Problem("lstm", 5, 3, 2, 4)
    given = (problem.x, *problem.weights, problem.h_0, problem.c_0, None, "lstm", False)
    assert torch.ops.rnnexp.recurrence(*given, False)[3].numel() == 0
    assert torch.ops.rnnexp.recurrence(*given, True)[3].numel() > 0


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_what_is_not_finite_is_not_hidden(instructions: str, cell: str, value: float) -> None:
    problem = Problem(cell, 6, 3, 2, 5, torch.float32)
    problem.x[2, 1, 0] = value
    given: Any = (cell, problem.x, problem.weights, problem.h_0, problem.c_0, None, False)
    mine, other = recurrence(*given)[0], torch_loop(*given)[0]
    torch.testing.assert_close(mine.isfinite(), other.isfinite())
    assert bool(mine[:, 0].isfinite().all()) and bool(mine[:2].isfinite().all())


def test_small_values_keep_their_digits(instructions: str) -> None:
    """tanh and the logistic function are right relative to their value, however small it is."""
    x = torch.logspace(-30, 2, 400).repeat(2)
    x[400:] *= -1
    W_x, W_h, h_0 = torch.ones(1, 1), torch.zeros(1, 1), torch.zeros(800, 1)
    out, _, _ = recurrence("tanh", x.view(1, -1, 1), (W_x, W_h, None, None), h_0)
    torch.testing.assert_close(out.flatten(), x.double().tanh().float(), rtol=4e-7, atol=0)


def test_a_call_is_the_same_to_the_bit_with_the_same_threads(instructions: str) -> None:
    problem = Problem("gru", 30, 24, 5, 40, torch.float32)
    first, second = (problem.results(False, False, True, True) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
