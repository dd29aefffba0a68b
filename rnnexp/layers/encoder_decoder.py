"""Encoder-decoder: a stack reads the source, a bridge hands its final state on, a stack writes.

Shape letters: S source time, T target time, B batch, I input, E embedding, M memory (what the
encoder returns at each step), R readout, V target vocabulary, N valid targets.
Sources: Sutskever, Vinyals, Le 2014; Cho et al. 2014; Luong, Pham, Manning 2015.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnnexp.layers.attention import Attention, Memory
from rnnexp.layers.cells import CellState
from rnnexp.layers.direction import Teacher
from rnnexp.layers.network import Bridge, Network
from rnnexp.layers.padding import valid
from rnnexp.layers.stack import Merge, Stack, StackState, merge_directions

__all__ = [
    "AnyNetwork",
    "CopyBridge",
    "Decoder",
    "DecoderState",
    "EncoderDecoder",
    "LinearBridge",
    "Source",
]

Source = tuple[Tensor, Tensor]
"""token ids (S, B) or values (S, B, I), right-padded, and lengths (B,)"""


@dataclass(frozen=True)
class DecoderState:
    """Where the decoder stands: each layer's state (None is its own initial state), and with input
    feeding the readout of the step before (B, R).
    """

    layers: StackState | None
    readout: Tensor | None

    def rows(self, index_N: Tensor) -> DecoderState:
        """The states of these sequences, in this order."""
        layers, readout = self.layers, self.readout
        return DecoderState(
            layers and tuple(tuple(part[index_N] for part in layer) for layer in layers),
            None if readout is None else readout[index_N],
        )


Finals = tuple[tuple[CellState, ...], ...]
"""the encoder's final states: of each layer, of each direction, h (and c), each (B, H)"""


class LinearBridge(nn.Module):
    """s_0 = tanh(W_cs s + b_s) of each decoder layer, from s, the final states of the top encoder
    layer.
    """

    def __init__(self, final_size: int, hidden_sizes: tuple[int, ...], states: int) -> None:
        super().__init__()
        self.from_final = Bridge(final_size, hidden_sizes, states)

    def forward(self, finals: Finals) -> StackState:
        parts = [part_BH for direction in finals[-1] for part_BH in direction]
        first: StackState = self.from_final(torch.cat(parts, dim=-1))
        return first


class CopyBridge(nn.Module):
    """Each decoder layer begins where the encoder layer beside it ended, its directions merged."""

    def __init__(self, merge: Merge) -> None:
        super().__init__()
        self.merge = merge

    def forward(self, finals: Finals) -> StackState:
        return tuple(
            tuple(
                merge_directions(list(part), self.merge) for part in zip(*directions, strict=True)
            )
            for directions in finals
        )


class Decoder(nn.Module):
    """embed -> stack -> attention -> readout -> head.

    The readout is tanh(W_r [context; h]) (Luong's attentional vector); with neither attention nor
    tied weights it is h itself. With input feeding the stack reads the previous readout beside the
    token, and so has to go step by step; without, the whole target goes through in one call.
    """

    def __init__(  # noqa: PLR0917
        self,
        embed: nn.Module,
        stack: Stack,
        attention: Attention | None,
        readout: nn.Linear | None,
        head: nn.Linear,
        input_feeding: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.embed, self.stack, self.attention = embed, stack, attention
        self.readout, self.head = readout, head
        self.input_feeding, self.dropout = input_feeding, nn.Dropout(dropout)

    def forward(
        self,
        ids_TB: Tensor,
        state: DecoderState,
        memory: Memory | None,
        teacher: Teacher | None = None,
    ) -> tuple[Tensor, DecoderState, Tensor | None]:
        """Readouts (T, B, R), the last state, and the attention weights (T, B, S).

        teacher: ids (T, B) and where they are read (T, B, 1); elsewhere each step reads the answer
        that the step before thought likeliest.
        """
        if teacher is None and not self.input_feeding:
            return self._read(ids_TB, state, memory)
        readouts: list[Tensor] = []
        weights: list[Tensor] = []
        for t in range(len(ids_TB)):
            ids_1B = ids_TB[t : t + 1]
            if teacher is not None and t:
                ids_1B = self._tossed(ids_1B, teacher[1][t].squeeze(-1), readouts[-1])
            readout_1BR, state, weights_1BS = self._read(ids_1B, state, memory)
            readouts.append(readout_1BR)
            weights += [] if weights_1BS is None else [weights_1BS]
        return torch.cat(readouts), state, torch.cat(weights) if weights else None

    def score(self, readout: Tensor) -> Tensor:
        """Readouts (..., R) -> scores of the tokens (..., V)."""
        scores: Tensor = self.head(self.dropout(readout))
        return scores

    def _read(
        self, ids_TB: Tensor, state: DecoderState, memory: Memory | None
    ) -> tuple[Tensor, DecoderState, Tensor | None]:
        """Every step in one call; with input feeding there is a single step."""
        x_TBI = self.dropout(self.embed(ids_TB))
        if state.readout is not None:
            x_TBI = torch.cat([x_TBI, state.readout.unsqueeze(0)], dim=-1)
        h_TBH, layers = self.stack(x_TBI, state.layers)
        readout_TBR, weights_TBS = h_TBH, None
        if self.attention is not None and memory is not None:
            context_TBM, weights_TBS = self.attention(h_TBH, memory)
            readout_TBR = torch.cat([context_TBM, h_TBH], dim=-1)
        if self.readout is not None:
            readout_TBR = self.readout(readout_TBR).tanh()
        fed = readout_TBR[-1] if self.input_feeding else None
        return readout_TBR, DecoderState(layers, fed), weights_TBS

    @torch.no_grad()
    def _tossed(self, true_1B: Tensor, forced_B: Tensor, readout_1BR: Tensor) -> Tensor:
        if bool(forced_B.all()):
            return true_1B
        return torch.where(forced_B > 0, true_1B, self.score(readout_1BR).argmax(-1))


class EncoderDecoder(nn.Module):
    """encode the source -> bridge -> decode the target.

    encode: token ids (S, B) -> (S, B, I), or the identity on values. bridge: from the final states
    of the encoder to the first ones of the decoder, None where that begins at its own.
    """

    def __init__(
        self, encode: nn.Module, stack: Stack, bridge: nn.Module | None, decoder: Decoder
    ) -> None:
        super().__init__()
        self.encode, self.stack, self.bridge, self.decoder = encode, stack, bridge, decoder

    def read(self, source: Source) -> tuple[Memory | None, DecoderState]:
        """What the decoder may read of the sources, and where it begins."""
        inputs, lengths_B = source
        x_SBI = self.decoder.dropout(self.encode(inputs))
        h_SBM, finals = self.stack.read(x_SBI, lengths_B)
        layers = None if self.bridge is None else self.bridge(finals)
        attention, fed = self.decoder.attention, None
        if self.decoder.input_feeding:
            fed = h_SBM.new_zeros(len(lengths_B), self.decoder.head.in_features)
        memory = None if attention is None else attention.remember(h_SBM, lengths_B)
        return memory, DecoderState(layers, fed)

    def forward(
        self,
        inputs_TB: Tensor,
        state: StackState | None,
        lengths_B: Tensor | None,
        condition: Source,
        teacher: Teacher | None = None,
    ) -> tuple[Tensor, StackState]:
        """Scores (N, V) of the valid targets alone, step by step, and the decoder's last state.

        inputs: the true previous tokens. The output layer costs most where there are many tokens,
        so padding does not reach it.
        """
        assert state is None, "a translation begins with its source"
        memory, first = self.read(condition)
        readout_TBR, last, _ = self.decoder(inputs_TB, first, memory, teacher)
        assert last.layers is not None
        return self.decoder.score(valid(readout_TBR, lengths_B)), last.layers


AnyNetwork = Network | EncoderDecoder
