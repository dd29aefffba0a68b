"""Gradients by hand in torch against torch's own, where nothing was compiled or is wanted."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rnnexp
from rnnexp.kernels import available, in_use, native, recurrence
from rnnexp.kernels.torch_path import CELLS
from tests.kernels.problem import TOLERANCE, Problem, assert_equal, drawn_problem


@pytest.fixture(autouse=True)
def _no_compiled_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "USABLE", ())
    monkeypatch.setattr(native, "ASKED", None)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_equals_torch(cell: str, dtype: torch.dtype, data: Any) -> None:
    problem, how = drawn_problem(data.draw, cell, dtype)
    assert_equal(problem, **how)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("lengths", [None, [4, 2, 1]])
def test_first_and_second_derivative(cell: str, lengths: list[int] | None) -> None:
    problem = Problem(cell, 4, 3, 2, 3, lengths=lengths)

    def run(*given: Any) -> Any:
        x, W_x, W_h, b_x, b_h, h_0 = given
        return recurrence(cell, x, (W_x, W_h, b_x, b_h), h_0, None, problem.rows)[:2]

    assert torch.autograd.gradcheck(run, problem.leaves)
    assert torch.autograd.gradgradcheck(run, problem.leaves)


@pytest.mark.parametrize(("cell", "path"), [("rnn", "bptt"), ("gru", "bptt"), ("lstm", "torch")])
def test_it_is_what_runs_where_there_was_no_compiler(cell: str, path: str) -> None:
    paths = available(cell, layer_norm=False, recurrent_dropout=0.0)
    assert in_use() == "bptt" and paths[0].name == path
    assert "no compiled kernels" in paths[0].reason
    layer = getattr(rnnexp, cell.upper())(3, 4)
    assert layer.path(torch.ones(5, 2, 3)).name == path


def test_it_can_be_asked_for_and_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "ASKED", "bptt")
    assert available("gru", layer_norm=False, recurrent_dropout=0.0)[0].name == "bptt"
    monkeypatch.setattr(native, "ASKED", "torch")
    assert in_use() is None
    assert available("gru", layer_norm=False, recurrent_dropout=0.0)[0].name == "torch"


def test_an_lstm_in_an_exported_program_says_what_it_needs() -> None:
    problem = Problem("lstm", 3, 2, 2, 3)
    with pytest.raises(RuntimeError, match="no compiled kernels here"):
        recurrence("lstm", problem.x, problem.weights)
