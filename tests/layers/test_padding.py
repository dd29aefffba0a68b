"""Pools over the valid steps of padded sequences."""

from __future__ import annotations

import pytest
import torch

from rnnexp.layers.padding import pool

LENGTHS = torch.tensor([4, 2, 1])


@pytest.mark.parametrize("how", ["mean", "max"])
def test_pools_see_valid_steps_only(how: str) -> None:
    torch.manual_seed(0)
    h_TBH = torch.randn(4, 3, 5) - 10  # all below 0, which padding would be
    for filling in (0.0, 1e9):
        padding_TB = torch.arange(4).unsqueeze(1) >= LENGTHS
        padded = h_TBH.masked_fill(padding_TB.unsqueeze(-1), filling).requires_grad_()
        ours = pool(padded, LENGTHS, how)
        for b, length in enumerate(LENGTHS):
            valid = padded[:length, b]
            theirs = valid.mean(0) if how == "mean" else valid.max(0).values
            torch.testing.assert_close(ours[b], theirs)
        torch.autograd.backward(ours.sum())
        assert padded.grad is not None
        assert not padded.grad[padding_TB].any()
        torch.testing.assert_close(padded.grad.sum(0), torch.ones(3, 5))


@pytest.mark.parametrize("how", ["mean", "max"])
def test_without_lengths_every_step_counts(how: str) -> None:
    h_TBH = torch.randn(4, 3, 5)
    torch.testing.assert_close(pool(h_TBH, None, how), pool(h_TBH, torch.tensor([4, 4, 4]), how))
