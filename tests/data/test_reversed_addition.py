"""Sums as characters."""

from __future__ import annotations

import numpy as np
import pytest

from rnnexp.data.dataset import Dataset, Tokens
from rnnexp.data.prepare import prepare
from rnnexp.data.synthetic.reversed_addition import draw
from rnnexp.errors import DataError
from tests.conftest import MakeConfig

TASK = {"kind": "many_to_many", "alignment": "delayed"}


def sums(dataset: Dataset, split: str) -> list[tuple[str, str]]:
    assert isinstance(dataset.inputs, Tokens) and isinstance(dataset.outputs, Tokens)
    part = dataset.split(split)
    assert part.lengths is not None and part.source_lengths is not None
    return [
        (dataset.inputs.text(q[:s]), dataset.outputs.text(a[:t]))
        for q, s, a, t in zip(
            part.inputs, part.source_lengths, part.targets, part.lengths, strict=True
        )
    ]


@pytest.mark.parametrize("backwards", [True, False])
def test_every_answer_is_the_sum(make_config: MakeConfig, backwards: bool) -> None:
    data = {"source": "reversed_addition", "train": 300, "val": 20, "test": 20}
    dataset = prepare(make_config(data={**data, "backwards": backwards}, task=TASK))
    for question, answer in sums(dataset, "train"):
        a, b = question[:: -1 if backwards else 1].split("+")
        assert int(a) + int(b) == int(answer)
    assert {len(dataset.split(name)) for name in ("val", "test")} == {20}


def test_no_pair_stands_in_two_splits(make_config: MakeConfig) -> None:
    """All 55 pairs of numbers of one digit, each once, in whichever order."""
    data = {"source": "reversed_addition", "digits": 1, "train": 40, "val": 8, "test": 7}
    dataset = prepare(make_config(data=data, task=TASK))
    questions = [q for name in ("train", "val", "test") for q, _ in sums(dataset, name)]
    assert len({frozenset(question.split("+")) for question in questions}) == 55


def test_pairs_are_different_and_within_range() -> None:
    pairs = np.sort(draw(5000, 1000 * 1001 // 2, np.random.default_rng(0)), axis=1)
    assert len(np.unique(pairs, axis=0)) == 5000
    assert pairs.min() >= 0 and pairs.max() <= 999
    assert np.mean(pairs[:, 0] < pairs[:, 1]) > 0.99


def test_more_sums_than_there_are(make_config: MakeConfig) -> None:
    data = {"source": "reversed_addition", "digits": 1, "train": 50, "val": 8, "test": 7}
    with pytest.raises(DataError, match="55 different"):
        prepare(make_config(data=data, task=TASK))
