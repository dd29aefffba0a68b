"""Attention: at each target step, which steps of the source are read.

Shape letters: T target time, S source time, B batch, H query, M memory, A keys.
Sources: additive, Bahdanau, Cho, Bengio 2015; dot and general, Luong, Pham, Manning 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

__all__ = ["Attention", "Kind", "Memory"]

Kind = Literal["dot", "general", "additive"]


@dataclass(frozen=True)
class Memory:
    """What can be read of B sources: values (B, S, M), keys (B, S, A), padding (B, 1, S)."""

    values: Tensor
    keys: Tensor
    padding: Tensor

    def rows(self, index_N: Tensor) -> Memory:
        """The memories of these sources, in this order."""
        return Memory(self.values[index_N], self.keys[index_N], self.padding[index_N])


class Attention(nn.Module):
    """context_t = sum_s a_ts m_s, where a_t is the softmax over s of score(q_t, m_s).

    dot: q . m. general: q . (W m). additive: v . tanh(W_q q + W_m m), with A = H. Padded steps of
    the source get the weight 0. All target steps are read in one batched product.
    """

    def __init__(self, kind: Kind, query_size: int, memory_size: int) -> None:
        super().__init__()
        self.kind = kind
        self.key = nn.Identity() if kind == "dot" else _linear(memory_size, query_size)
        self.query = _linear(query_size, query_size) if kind == "additive" else nn.Identity()
        self.v = nn.Parameter(torch.empty(query_size)) if kind == "additive" else None
        if self.v is not None:
            nn.init.normal_(self.v, std=query_size**-0.5)

    def remember(self, h_SBM: Tensor, lengths_B: Tensor) -> Memory:
        """The memory of padded sources; the keys are computed once for all target steps."""
        values_BSM = h_SBM.transpose(0, 1)
        steps_S = torch.arange(len(h_SBM), device=h_SBM.device)
        padding_B1S = (steps_S >= lengths_B.unsqueeze(1)).unsqueeze(1)
        return Memory(values_BSM, self.key(values_BSM), padding_B1S)

    def forward(self, q_TBH: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Contexts (T, B, M) and weights (T, B, S)."""
        q_BTA = self.query(q_TBH).transpose(0, 1)
        score_BTS = self._score(q_BTA, memory.keys)
        weights_BTS = score_BTS.masked_fill(memory.padding, -torch.inf).softmax(-1)
        context_BTM = weights_BTS @ memory.values
        return context_BTM.transpose(0, 1), weights_BTS.transpose(0, 1)

    def _score(self, q_BTA: Tensor, keys_BSA: Tensor) -> Tensor:
        if self.v is None:
            return q_BTA @ keys_BSA.transpose(1, 2)
        return (q_BTA.unsqueeze(2) + keys_BSA.unsqueeze(1)).tanh() @ self.v


def _linear(inputs: int, outputs: int) -> nn.Linear:
    linear = nn.Linear(inputs, outputs, bias=False)
    nn.init.xavier_uniform_(linear.weight)
    return linear
