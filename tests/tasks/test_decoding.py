"""Greedy and beam search against each other, and against trying everything."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from rnnexp.config.model_settings import Decoder, Model
from rnnexp.data.dataset import Dataset, Sequences, Tokens
from rnnexp.layers.assembly import build_encoder_decoder
from rnnexp.layers.encoder_decoder import EncoderDecoder, Source
from rnnexp.tasks.decoding import beam, greedy

END = 0
# Sums of a few float32 log-probabilities, in another order.
CLOSE = 1e-5


def network(tokens: int, seed: int, **decoder: object) -> EncoderDecoder:
    """Untrained, with an output layer that makes up its mind."""
    inputs = torch.zeros(1, 1, dtype=torch.int64).numpy()
    split = Sequences(inputs, inputs)
    dataset = Dataset("test", "delayed", split, split, split, Tokens(5), Tokens(tokens, end=END))
    torch.manual_seed(seed)
    model = Model(hidden_sizes=(8,), embedding=4, decoder=Decoder(**decoder))  # type: ignore[arg-type]
    made = build_encoder_decoder(model, dataset).eval()
    with torch.no_grad():
        made.decoder.head.weight.mul_(6)
    return made


def source(sequences: int = 6) -> Source:
    generator = torch.Generator().manual_seed(1)
    ids_SB = torch.randint(5, (4, sequences), generator=generator)
    return ids_SB, torch.randint(1, 5, (sequences,), generator=generator)


def log_probability(net: EncoderDecoder, ids: tuple[int, ...], one: Source) -> float:
    """Of the tokens in teacher-forced order."""
    inputs = torch.tensor([END, *ids[:-1]]).unsqueeze(1)
    with torch.no_grad():
        scores, _ = net(inputs, None, None, one)
    return float(scores.log_softmax(-1)[range(len(ids)), list(ids)].sum())


def of(sources: Source, row: int) -> Source:
    ids, lengths = sources
    return ids[: int(lengths[row]), row : row + 1], lengths[row : row + 1]


@pytest.mark.parametrize("decoder", [{}, {"attention": "none"}, {"input_feeding": True}])
def test_a_beam_of_one_is_greedy(decoder: dict[str, object]) -> None:
    net, sources = network(7, 0, **decoder), source()
    ours = beam(net, sources, END, 9, size=1, length_penalty=0.0)
    theirs = greedy(net, sources, END, 9)
    assert [each.ids for each in ours] == [each.ids for each in theirs]
    assert [each.score for each in ours] == pytest.approx(
        [each.score for each in theirs], abs=CLOSE
    )


def test_greedy_takes_the_likeliest_token_at_each_step() -> None:
    net, sources = network(7, 0), source()
    for row, decoded in enumerate(greedy(net, sources, END, 9)):
        ids: tuple[int, ...] = ()
        while len(ids) < 9 and END not in ids:
            inputs = torch.tensor([END, *ids]).unsqueeze(1)
            scores, _ = net(inputs, None, None, of(sources, row))
            ids = (*ids, int(scores[-1].argmax()))
        assert decoded.ids == ids
        assert decoded.score == pytest.approx(
            log_probability(net, ids, of(sources, row)), abs=CLOSE
        )


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_finds_the_best_of_all(length_penalty: float, seed: int) -> None:
    tokens, most = 3, 4
    net, sources = network(tokens, seed), source()
    found = beam(net, sources, END, most, tokens**most, length_penalty)
    closed = [
        (*inner, END)
        for length in range(most)
        for inner in product(range(1, tokens), repeat=length)
    ]
    for row, decoded in enumerate(found):
        scores = {
            ids: log_probability(net, ids, of(sources, row)) / len(ids) ** length_penalty
            for ids in closed
        }
        assert decoded.ids == max(scores, key=scores.__getitem__)
        assert decoded.score == pytest.approx(scores[decoded.ids], abs=CLOSE)


def test_a_wider_beam_is_no_worse_here() -> None:
    """Not a law of beam search; it holds for these weights, and one that drops the best fails."""
    net, sources = network(12, 6), source(20)
    with torch.no_grad():
        net.decoder.head.weight.mul_(0.5)
        net.decoder.head.bias[END] = 1.0
    scores = [
        sum(each.score for each in beam(net, sources, END, 8, size, 1.0)) for size in (1, 4, 12)
    ]
    assert scores[0] < scores[1] <= scores[2] + CLOSE


def test_one_source_alone_or_among_others() -> None:
    net, sources = network(7, 2), source()
    together = beam(net, sources, END, 9, 4, 1.0)
    for row, decoded in enumerate(together):
        (alone,) = beam(net, of(sources, row), END, 9, 4, 1.0)
        assert alone.ids == decoded.ids
        assert alone.score == pytest.approx(decoded.score, abs=CLOSE)


@pytest.mark.parametrize("size", [1, 3])
def test_attention_has_a_row_for_every_token(size: int) -> None:
    net, (ids, lengths) = network(7, 0), source()
    found = beam(net, (ids, lengths), END, 9, size, 1.0) + greedy(net, (ids, lengths), END, 9)
    for decoded, length in zip(found, [*lengths.tolist()] * 2, strict=True):
        assert decoded.attention is not None
        assert decoded.attention.shape == (len(decoded.ids), 4)
        assert decoded.attention.sum(axis=1) == pytest.approx(1, abs=CLOSE)
        assert not decoded.attention[:, length:].any()


def test_what_never_ends_is_cut_off() -> None:
    net = network(5, 0)
    with torch.no_grad():
        net.decoder.head.bias[END] = -1e4
    for decoded in greedy(net, source(), END, 3) + beam(net, source(), END, 3, 2, 1.0):
        assert len(decoded.ids) == 3
        assert END not in decoded.ids


def plain_beam(
    net: EncoderDecoder, one: Source, size: int, most: int
) -> tuple[float, tuple[int, ...]]:
    """The same search of one source, ranked by the mean per token, with lists."""
    going: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    ended: list[tuple[float, tuple[int, ...]]] = []
    for length in range(1, most + 1):
        found = []
        for score, ids in going:
            inputs = torch.tensor([END, *ids]).unsqueeze(1)
            with torch.no_grad():
                logp = net(inputs, None, None, one)[0][-1].log_softmax(-1).tolist()
            found += [(score + more, (*ids, token)) for token, more in enumerate(logp)]
        found = sorted(found, reverse=True)[: 2 * size]
        ended += [(score / length, ids) for score, ids in found[:size] if ids[-1] == END]
        ended = sorted(ended, reverse=True)[:size]
        going = [(score, ids) for score, ids in found if ids[-1] != END][:size]
        if len(ended) == size and ended[-1][0] >= going[0][0] / length:
            break
    return ended[0] if ended else (going[0][0] / most, going[0][1])


@pytest.mark.parametrize("size", [2, 3])
def test_the_batched_search_as_a_plain_one(size: int) -> None:
    net, sources = network(7, 6), source(10)
    with torch.no_grad():
        net.decoder.head.weight.mul_(0.4)
        net.decoder.head.bias[END] = 0.5
    for row, decoded in enumerate(beam(net, sources, END, 6, size, 1.0)):
        score, ids = plain_beam(net, of(sources, row), size, 6)
        assert decoded.ids == ids
        assert decoded.score == pytest.approx(score, abs=CLOSE)
