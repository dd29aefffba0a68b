from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from rnnexp.data.sources.digits import WORDS

datasets = pytest.importorskip("sklearn.datasets")


@pytest.mark.parametrize(("view", "shape"), [("rows", (8, 8)), ("pixels", (64, 1))])
def test_digits_as_sequences(make: Any, view: str, shape: tuple[int, int]) -> None:
    dataset = make({"source": "digits", "view": view})
    images, classes = datasets.load_digits(return_X_y=True)
    seen = []
    for name in ("train", "val", "test"):
        part = dataset.split(name)
        seen += part.origin.tolist()
        np.testing.assert_array_equal(part.inputs, images[part.origin].reshape(-1, *shape) / 16)
        np.testing.assert_array_equal(part.targets, classes[part.origin])
    assert sorted(seen) == list(range(1797))
    assert dataset.outputs.size == 10


def test_digits_to_words(make: Any) -> None:
    dataset = make({"source": "digits", "view": "image"}, "one_to_many")
    _, classes = datasets.load_digits(return_X_y=True)
    part = dataset.test
    assert part.inputs.shape == (len(part), 64)
    assert dataset.outputs.end == 0
    for origin, row, length in zip(part.origin, part.targets, part.lengths, strict=True):
        *letters, end = dataset.outputs.vocabulary.decode(row[:length])
        assert "".join(letters) == WORDS[classes[origin]]
        assert end == "<end>"
        assert (row[length:] == 0).all()


def test_the_split_depends_on_its_seed(make: Any) -> None:
    one, again, two = (make({"source": "digits", "split_seed": seed}) for seed in (1, 1, 2))
    assert (one.test.origin == again.test.origin).all()
    assert set(one.test.origin.tolist()) != set(two.test.origin.tolist())


def test_without_scikit_learn(refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    problem = refused({"source": "digits"}, exit_code=12)
    assert problem.hint == 'pip install "rnnexp[datasets]"'
    assert problem.position.line == 3
