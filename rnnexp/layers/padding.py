"""Sequences of different length in one right-padded batch.

Shape letters: T time, B batch, I features.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["pool", "reverse", "take_last", "valid"]


def reverse(x_TBI: Tensor, lengths_B: Tensor | None) -> Tensor:
    """Each sequence backwards in time; padding stays where it is."""
    if lengths_B is None:
        return x_TBI.flip(0)
    t_T1 = torch.arange(len(x_TBI), device=x_TBI.device).unsqueeze(1)
    source_TB = torch.where(t_T1 < lengths_B, lengths_B - 1 - t_T1, t_T1)
    return x_TBI.gather(0, source_TB.unsqueeze(-1).expand_as(x_TBI))


def take_last(h_TBH: Tensor, lengths_B: Tensor | None) -> Tensor:
    """The output (B, H) at each sequence's last valid step."""
    if lengths_B is None:
        return h_TBH[-1]
    index_1BH = (lengths_B - 1).view(1, -1, 1).expand(1, -1, h_TBH.shape[-1])
    return h_TBH.gather(0, index_1BH).squeeze(0)


def pool(h_TBH: Tensor, lengths_B: Tensor | None, how: str) -> Tensor:
    """The mean or the largest value (B, H) of every unit over the valid steps.

    Where several steps hold the largest value, its gradient is shared among them.
    """
    if lengths_B is None:
        return h_TBH.mean(0) if how == "mean" else h_TBH.amax(0)
    t_T11 = torch.arange(len(h_TBH), device=h_TBH.device).view(-1, 1, 1)
    padding_TB1 = t_T11 >= lengths_B.view(1, -1, 1)
    if how == "max":
        return h_TBH.masked_fill(padding_TB1, -torch.inf).amax(0)
    return h_TBH.masked_fill(padding_TB1, 0.0).sum(0) / lengths_B.unsqueeze(-1).to(h_TBH.dtype)


def valid(values_TB: Tensor, lengths_B: Tensor | None) -> Tensor:
    """The valid steps (N, ...) of (T, B, ...), the first step of every sequence first."""
    if lengths_B is None:
        return values_TB.flatten(0, 1)
    t_T1 = torch.arange(len(values_TB), device=values_TB.device).unsqueeze(1)
    return values_TB[t_T1 < lengths_B]
