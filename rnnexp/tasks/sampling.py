"""Choosing the next token from its logits: temperature, top-k, top-p, and the draw itself.

Shape letters: B sequences, V vocabulary. All are pure functions; chance comes in as uniform
numbers, so that a seed decides everything. Sources: top-k, Fan, Lewis, Dauphin 2018; top-p
(nucleus), Holtzman et al. 2020.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Sampling", "draw", "keep_top_k", "keep_top_p", "probabilities"]


@dataclass(frozen=True)
class Sampling:
    """How a token is chosen. temperature 0 takes the most likely one; None keeps all tokens."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None


def draw(logits_BV: Tensor, sampling: Sampling, uniform_B: Tensor) -> Tensor:
    """Token ids (B,), by inverting the cumulative distribution at uniform numbers of [0, 1)."""
    if sampling.temperature == 0:
        return logits_BV.argmax(-1)
    cumulative_BV = probabilities(logits_BV, sampling).double().cumsum(-1)
    # The sum is 1 only up to rounding: a number beyond it must not fall on a token left out.
    wanted_B1 = uniform_B[:, None].to(cumulative_BV) * cumulative_BV[:, -1:]
    return torch.searchsorted(cumulative_BV, wanted_B1, right=True)[:, 0]


def probabilities(logits_BV: Tensor, sampling: Sampling) -> Tensor:
    """What is drawn from: softmax(logits / temperature) of the k most likely, then of the nucleus.

    (B, V), rows that sum to 1. The temperature is above 0.
    """
    logits_BV = logits_BV / sampling.temperature
    if sampling.top_k is not None:
        logits_BV = keep_top_k(logits_BV, sampling.top_k)
    if sampling.top_p is not None:
        logits_BV = keep_top_p(logits_BV, sampling.top_p)
    return logits_BV.softmax(-1)


def keep_top_k(logits_BV: Tensor, k: int) -> Tensor:
    """The k largest logits of each row, minus infinity elsewhere; of equal ones exactly k stay."""
    top_BK, places_BK = logits_BV.topk(min(k, logits_BV.shape[-1]), dim=-1)
    return torch.full_like(logits_BV, -torch.inf).scatter(-1, places_BK, top_BK)


def keep_top_p(logits_BV: Tensor, p: float) -> Tensor:
    """The fewest largest logits of each row whose probabilities sum to p or more."""
    sorted_BV, places_BV = logits_BV.sort(dim=-1, descending=True, stable=True)
    share_BV = sorted_BV.softmax(-1)
    before_BV = share_BV.cumsum(-1) - share_BV
    kept_BV = sorted_BV.masked_fill(before_BV >= p, -torch.inf)
    kept_BV[:, 0] = sorted_BV[:, 0]  # whatever p is, one stays
    return torch.empty_like(logits_BV).scatter(-1, places_BV, kept_BV)
