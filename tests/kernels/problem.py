"""One call of `rnnexp::recurrence` and of torch's own loop, with everything that goes into it."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from rnnexp.kernels import native, recurrence
from rnnexp.kernels.twice import torch_loop

GATES = {"tanh": 1, "relu": 1, "lstm": 4, "gru": 3}
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}  # of the largest value


def path_here(cell: str) -> str:
    """What runs a standard layer of a cell on the CPU of this machine."""
    if native.instruction_set():
        return "native"
    return "torch" if cell == "lstm" else "bptt"


class Problem:
    """Everything that goes into one call, drawn from a seed."""

    def __init__(  # noqa: PLR0917
        self,
        cell: str,
        T: int,
        B: int,
        I: int,  # noqa: E741
        H: int,
        dtype: torch.dtype = torch.float64,
        lengths: list[int] | None = None,
        bias: bool = True,
        strided: bool = False,
        seed: int = 0,
    ) -> None:
        torch.manual_seed(seed)
        self.cell, self.rows = cell, None
        N: tuple[int, ...] = (T, B)
        if lengths is not None:
            self.rows = torch.tensor([sum(length > t for length in lengths) for t in range(T)])
            N = (int(self.rows.sum()),)
        self.x = torch.randn(*N, 2 * I if strided else I, dtype=dtype)[..., :: 2 if strided else 1]
        G = GATES[cell] * H
        shapes: list[tuple[int, ...]] = [(G, I), (G, H), (G,), (G,)]
        drawn = [torch.randn(s, dtype=dtype) / H**0.5 for s in shapes]
        self.weights: list[Tensor | None] = [*drawn[:2], *(drawn[2:] if bias else (None, None))]
        self.h_0 = torch.randn(B, H, dtype=dtype)
        self.c_0 = torch.randn(B, H, dtype=dtype) if cell == "lstm" else None
        self.towards = torch.randn(*N, H, dtype=dtype), torch.randn(B, H, dtype=dtype)

    @property
    def leaves(self) -> list[Tensor]:
        every = (self.x, *self.weights, self.h_0, self.c_0)
        return [t.requires_grad_() for t in every if t is not None]

    def results(self, theirs: bool, reverse: bool, sequence: bool, last: bool) -> list[Tensor]:
        """Outputs, last states, and the gradient of a random mixture of them."""
        given: Any = (self.cell, self.x, self.weights, self.h_0, self.c_0, self.rows, reverse)
        leaves = self.leaves
        out, h_n, c_n = torch_loop(*given) if theirs else recurrence(*given)
        loss = torch.zeros((), dtype=out.dtype)
        if sequence:
            loss = loss + (out * self.towards[0]).sum()
        if last:
            loss = loss + (h_n * self.towards[1]).sum()
            loss = loss + (c_n.pow(2).sum() if self.cell == "lstm" and c_n is not None else 0)
        gradients = torch.autograd.grad(loss, leaves)
        return [out, h_n, *([c_n] if self.cell == "lstm" and c_n is not None else []), *gradients]


def assert_equal(problem: Problem, **how: bool) -> None:
    ours, theirs = (problem.results(who, **how) for who in (False, True))
    largest = max(float(t.detach().abs().max()) for t in theirs)  # of all: a sum may cancel
    for mine, other in zip(ours, theirs, strict=True):
        atol = TOLERANCE[other.dtype] * largest
        torch.testing.assert_close(mine, other, rtol=0, atol=atol)


def drawn_problem(draw: Any, cell: str, dtype: torch.dtype) -> tuple[Problem, dict[str, bool]]:
    """Shapes, lengths and strides as hypothesis draws them, and which way it is to run."""

    def number(low: int, high: int) -> int:
        return int(draw(st.integers(low, high)))

    T, B, I, H = number(1, 12), number(1, 19), number(1, 41), number(1, 70)  # noqa: E741
    lengths = None
    if draw(st.booleans()):
        lengths = sorted([T, *(number(1, T) for _ in range(B - 1))], reverse=True)
    problem = Problem(
        cell, T, B, I, H, dtype, lengths, draw(st.booleans()), draw(st.booleans()), number(0, 99)
    )
    sequence, last = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    return problem, {"reverse": draw(st.booleans()), "sequence": sequence, "last": last}
