"""Words by their embedding and their spelling, and tokens that are dropped."""

from __future__ import annotations

from typing import Any, Literal

import pytest
import torch
from torch import nn

from rnnexp.config.model_settings import Characters
from rnnexp.layers.encoders import WordDropout, WordEncoder

SPELT = [[5, 2, 3, 0, 0], [6, 4, 0, 0, 0], [5, 2, 3, 0, 0], [7, 1, 1, 4, 2], [0, 0, 0, 0, 0]]


def encoder(cell: Literal["rnn", "lstm", "gru"] = "lstm") -> WordEncoder:
    torch.manual_seed(0)
    settings = Characters(embedding=3, hidden_size=4, cell=cell)
    return WordEncoder(nn.Embedding(9, 6), 5, settings)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_each_word_is_read_as_if_alone(cell: Literal["rnn", "lstm", "gru"]) -> None:
    ours, words = encoder(cell), torch.tensor(SPELT[:4]).view(2, 2, 5)
    together = ours(words)
    assert together.shape == (2, 2, 6 + 8)
    for t, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        ids = words[t, b, 1:][words[t, b, 1:] > 0]
        state: Any = ours.reader(ours.characters(ids).unsqueeze(1))[1]
        theirs = (state[0] if cell == "lstm" else state)[:, 0].flatten()
        torch.testing.assert_close(together[t, b, 6:], theirs)
        torch.testing.assert_close(together[t, b, :6], ours.embedding.weight[words[t, b, 0]])


def test_padding_has_no_say() -> None:
    ours, words = encoder(), torch.tensor(SPELT).unsqueeze(1)
    wider = torch.nn.functional.pad(words, (0, 7))
    torch.testing.assert_close(ours(words), ours(wider))
    ours(words[:4]).sum().backward()
    assert ours.characters.weight.grad is not None
    assert not ours.characters.weight.grad[0].any()


def test_every_occurrence_of_a_word_adds_to_the_gradient() -> None:
    once, twice = (encoder() for _ in range(2))
    once(torch.tensor(SPELT[:1]).unsqueeze(1)).sum().backward()
    twice(torch.tensor([SPELT[0], SPELT[2]]).unsqueeze(1)).sum().backward()
    for a, b in zip(once.parameters(), twice.parameters(), strict=True):
        torch.testing.assert_close(2 * a.grad, b.grad)  # type: ignore[operator]


def test_word_dropout_drops_the_word_and_not_its_spelling() -> None:
    torch.manual_seed(0)
    dropout, words = WordDropout(0.3, unknown=1), torch.full((200, 50, 4), 7)
    dropped = dropout(words)
    assert set(dropped[..., 0].unique().tolist()) == {1, 7}
    assert bool((dropped[..., 1:] == 7).all()) and bool((words == 7).all())
    share = (dropped[..., 0] == 1).float().mean()
    assert share == pytest.approx(0.3, abs=0.02)  # 4 standard errors of 10,000 coins
    ids = dropout(words[..., 0])
    assert set(ids.unique().tolist()) == {1, 7}
    dropout.eval()
    assert torch.equal(dropout(words), words)
