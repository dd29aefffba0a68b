"""Sequences of different length in one right-padded batch.

Shape letters: T time, B batch, I features.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["reverse", "take_last", "valid"]


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


def valid(values_TB: Tensor, lengths_B: Tensor | None) -> Tensor:
    """The valid steps (N, ...) of (T, B, ...), the first step of every sequence first."""
    if lengths_B is None:
        return values_TB.flatten(0, 1)
    t_T1 = torch.arange(len(values_TB), device=values_TB.device).unsqueeze(1)
    return values_TB[t_T1 < lengths_B]
