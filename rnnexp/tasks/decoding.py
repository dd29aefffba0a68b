"""Choosing the next token from its logits: temperature, top-k, top-p, and the draw itself.

Shape letters: B sources, K hypotheses of each, N those still running, T target time, S source
time,
V tokens. Both searches drop a source from the batch once it is done.
Shape letters: B sequences, V vocabulary. All are pure functions; chance comes in as uniform
numbers, so that a seed decides everything. Sources: top-k, Fan, Lewis, Dauphin 2018; top-p
(nucleus), Holtzman et al. 2020.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnexp.layers.attention import Memory
from rnnexp.layers.encoder_decoder import DecoderState, EncoderDecoder, Source

__all__ = [
    "Decoded",
    "Sampling",
    "beam",
    "draw",
    "greedy",
    "keep_top_k",
    "keep_top_p",
    "probabilities",
]


# Writing a target: greedily, or by beam search (Sutskever, Vinyals, Le 2014).


@dataclass(frozen=True)
class Decoded:
    """One target: its tokens, the end token included where it was reached.

    score: log-probability, for a beam divided by length ** length_penalty.
    attention: (T, S) which source steps each token was written from; None without attention.
    """

    ids: tuple[int, ...]
    score: float
    attention: NDArray[np.float32] | None


@dataclass(frozen=True)
class _Running:
    """N hypotheses that are not closed.

    ids: (N, T) the tokens so far. scores: (N,) log-probabilities. source: (N,) which source each
    belongs to. weights: (N, S) attention of every step. state and memory have N rows too.
    """

    ids: Tensor
    scores: Tensor
    source: Tensor
    state: DecoderState
    memory: Memory | None
    weights: list[Tensor]

    def rows(self, index_M: Tensor) -> _Running:
        """These hypotheses, in this order."""
        return _Running(
            self.ids[index_M],
            self.scores[index_M],
            self.source[index_M],
            self.state.rows(index_M),
            None if self.memory is None else self.memory.rows(index_M),
            [weights_NS[index_M] for weights_NS in self.weights],
        )

    def extended(self, token_N: Tensor, score_N: Tensor) -> _Running:
        """Each hypothesis with one more token."""
        ids_NT = torch.cat([self.ids, token_N.unsqueeze(1)], dim=1)
        return replace(self, ids=ids_NT, scores=score_N)

    def decoded(self, row: int, score: float, *more: int) -> Decoded:
        """One hypothesis as it stands, with `more` tokens behind it."""
        attention = None
        if self.weights:
            attention = torch.stack([each[row] for each in self.weights]).cpu().numpy()
        return Decoded((*self.ids[row].tolist(), *more), score, attention)


@torch.no_grad()
def greedy(network: EncoderDecoder, source: Source, end: int, most: int) -> list[Decoded]:
    """The likeliest token at each step, up to the end token or `most` tokens; one for each source.

    source: padded inputs (S, B) or (S, B, I) and lengths (B,).
    """
    running = _start(network, source)
    found: dict[int, Decoded] = {}
    for _ in range(most):
        logp_NV, running = _step(network, running, end)
        best_N = logp_NV.max(-1)
        running = running.extended(best_N.indices, running.scores + best_N.values)
        ended_N = best_N.indices == end
        for row in ended_N.nonzero().flatten().tolist():
            found[int(running.source[row])] = running.decoded(row, float(running.scores[row]))
        if bool(ended_N.any()):
            running = running.rows((~ended_N).nonzero().flatten())
        if not len(running.ids):
            break
    return _in_order(found | _unfinished(running, 0.0), len(source[1]))


@torch.no_grad()
def beam(  # noqa: PLR0917
    network: EncoderDecoder,
    source: Source,
    end: int,
    most: int,
    size: int,
    length_penalty: float,
) -> list[Decoded]:
    """The best of the hypotheses that a search with `size` of them at a time closes.

    At each step the `size` likeliest continuations of a source's hypotheses are looked at: those
    that end are put aside, and the likeliest others go on. Ranked by log-probability / length **
    length_penalty. A source is done when `size` of its hypotheses have ended, and each of them
    ranks above the best one that has not.
    """
    running, count = _start(network, source), len(source[1])
    closed: list[list[Decoded]] = [[] for _ in range(count)]
    for step in range(1, most + 1):
        logp_NV, running = _step(network, running, end)
        found = _continuations(running, logp_NV, size)
        ended_M, measure = found.token == end, step**length_penalty
        for row in (ended_M & (found.rank < size)).nonzero().flatten().tolist():
            parent, score = int(found.parent[row]), float(found.score[row]) / measure
            _put_aside(closed[int(found.source[row])], running.decoded(parent, score, end), size)
        to_beat_B = torch.tensor([_lowest(each, size) for each in closed], device=ended_M.device)
        kept = _open(found, ended_M, to_beat_B * measure, size)
        running = running.rows(found.parent[kept]).extended(found.token[kept], found.score[kept])
        if not len(running.ids):
            break
    best = {number: each[0] for number, each in enumerate(closed) if each}
    return _in_order(_unfinished(running, length_penalty) | best, count)


def _put_aside(closed: list[Decoded], decoded: Decoded, size: int) -> None:
    """Keep the `size` best, best first."""
    closed.append(decoded)
    closed.sort(key=lambda each: -each.score)
    del closed[size:]


def _lowest(closed: list[Decoded], size: int) -> float:
    """What a hypothesis has to beat."""
    return closed[-1].score if len(closed) == size else -math.inf


def _start(network: EncoderDecoder, source: Source) -> _Running:
    memory, state = network.read(source)
    lengths_B = source[1]
    nothing_N0 = lengths_B.new_zeros(len(lengths_B), 0)
    number_N = torch.arange(len(lengths_B), device=lengths_B.device)
    scores_N = torch.zeros(len(lengths_B), device=lengths_B.device)
    return _Running(nothing_N0, scores_N, number_N, state, memory, [])


def _step(network: EncoderDecoder, running: _Running, end: int) -> tuple[Tensor, _Running]:
    """Log-probabilities (N, V) of the next token, and the hypotheses with the state after it."""
    decoder = network.decoder
    last_N = running.ids[:, -1] if running.ids.shape[1] else torch.full_like(running.source, end)
    readout_1NR, state, weights_1NS = decoder(last_N.unsqueeze(0), running.state, running.memory)
    weights = [] if weights_1NS is None else [*running.weights, weights_1NS[0]]
    logp_NV = decoder.score(readout_1NR[0]).float().log_softmax(-1)
    return logp_NV, replace(running, state=state, weights=weights)


@dataclass(frozen=True)
class _Continuations:
    """M of them, sorted by source and then best first: the hypothesis that each continues, its
    token, its score, its source and its rank within that source, all (M,).
    """

    parent: Tensor
    token: Tensor
    score: Tensor
    source: Tensor
    rank: Tensor


def _continuations(running: _Running, logp_NV: Tensor, size: int) -> _Continuations:
    """The 2 size likeliest ones of each source: twice as many, since up to `size` may end."""
    total_NV = running.scores.unsqueeze(1) + logp_NV
    # Each hypothesis alone could fill the list, so its own best are enough to look through.
    best_NC = total_NV.topk(min(2 * size, total_NV.shape[1]), dim=1)
    score_M, order_M = best_NC.values.flatten().sort(descending=True, stable=True)
    parent_M = order_M // best_NC.indices.shape[1]
    source_M, sorted_M = running.source[parent_M].sort(stable=True)
    rank_M = _rank(source_M)
    kept = rank_M < 2 * size
    chosen = sorted_M[kept]
    token_M = best_NC.indices.flatten()[order_M]
    return _Continuations(
        parent_M[chosen], token_M[chosen], score_M[chosen], source_M[kept], rank_M[kept]
    )


def _open(found: _Continuations, ended_M: Tensor, to_beat_B: Tensor, size: int) -> Tensor:
    """The `size` best that have not ended, of sources whose best of them beats what has ended."""
    kept = (~ended_M).nonzero().flatten()
    source, rank = found.source[kept], _rank(found.source[kept])
    leads = torch.zeros_like(to_beat_B, dtype=torch.bool)
    first = rank == 0
    leads[source[first]] = found.score[kept][first] > to_beat_B[source[first]]
    return kept[(rank < size) & leads[source]]


def _rank(source_M: Tensor) -> Tensor:
    """How many before it have the same source, where equal ones stand together."""
    position = torch.arange(len(source_M), device=source_M.device)
    begins = torch.ones_like(source_M, dtype=torch.bool)
    begins[1:] = source_M[1:] != source_M[:-1]
    return position - torch.cummax(torch.where(begins, position, 0), 0).values


def _unfinished(running: _Running, length_penalty: float) -> dict[int, Decoded]:
    """The best hypothesis of each source that was cut off, which stands where none has ended."""
    found: dict[int, Decoded] = {}
    for row, number in enumerate(running.source.tolist()):
        if number not in found:
            score = float(running.scores[row]) / running.ids.shape[1] ** length_penalty
            found[number] = running.decoded(row, score)
    return found


def _in_order(found: dict[int, Decoded], count: int) -> list[Decoded]:
    return [found[number] for number in range(count)]


# Choosing the next token from its logits: temperature, top-k, top-p, and the draw itself.


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
