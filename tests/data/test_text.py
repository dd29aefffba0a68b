from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnexp.data.dataset import Dataset
from rnnexp.data.sources.python_docs import topics_text

TEXT = "The quick brown fox, 3 dogs.\n" * 40


@pytest.fixture
def load(make: Any, tmp_path: Path) -> Any:
    def call(text: str | bytes, **data: Any) -> Dataset:
        raw = text if isinstance(text, bytes) else text.encode()
        (tmp_path / "a.txt").write_bytes(raw)
        options = {"source": "text", "path": "a.txt", "window": 8, **data}
        dataset: Dataset = make(options, "many_to_many")
        return dataset

    return call


def stream(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """(input, target) of every valid step, in order."""
    assert dataset.inputs.vocabulary is not None  # type: ignore[union-attr]
    units = dataset.inputs.vocabulary.units  # type: ignore[union-attr]
    for name in ("train", "val", "test"):
        part, counted = dataset.split(name), dataset.counted(name)
        for x, y in zip(part.inputs[counted], part.targets[counted], strict=True):
            yield units[int(x)], units[int(y)]


@pytest.mark.parametrize("window", [1, 7, 8, 64])
def test_every_character_but_the_first_is_predicted_once(load: Any, window: int) -> None:
    pairs = list(stream(load(TEXT, window=window)))
    assert [y for _, y in pairs] == list(TEXT[1:])
    assert [x for x, _ in pairs] == list(TEXT[:-1])


def test_words_and_lower_case(load: Any) -> None:
    dataset = load(TEXT, unit="word", lowercase=True)
    assert dataset.consecutive
    words = ("the", "quick", "brown", "fox", ",", "3", "dogs", ".")
    assert dataset.outputs.vocabulary.units == ("<unknown>", *sorted(words))
    assert [y for _, y in stream(dataset)][:7] == list(words[1:])


def test_the_vocabulary_is_that_of_the_training_part(load: Any) -> None:
    dataset = load("abcd" * 100 + "Z" * 50, split={"train": 0.8, "val": 0.1, "test": 0.1})
    assert dataset.outputs.vocabulary.units == ("<unknown>", "a", "b", "c", "d")
    assert (dataset.test.targets == 0).all()


def test_a_bounded_vocabulary_keeps_the_most_frequent(load: Any) -> None:
    dataset = load("aaaabbbc" * 50, max_vocabulary=3)
    assert dataset.outputs.vocabulary.units == ("<unknown>", "a", "b")


def test_line_ends_and_byte_order_mark(load: Any) -> None:
    plain = load(TEXT)
    for other in (TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT, TEXT.replace("\n", "\r")):
        dataset = load(other)
        assert (dataset.train.inputs == plain.train.inputs).all()


def test_too_short_a_text(refused: Any, tmp_path: Path) -> None:
    for text in ("", "abc"):
        (tmp_path / "a.txt").write_text(text)
        problem = refused({"source": "text", "path": "a.txt", "window": 8}, "many_to_many")
        assert f"of the text's {len(text)} characters" in problem.message
        assert "at least 9" in problem.message


@pytest.mark.parametrize(("raw", "word"), [(b"abc\xff", "not UTF-8"), (b"a\0b", "NUL")])
def test_what_is_no_text(refused: Any, tmp_path: Path, raw: bytes, word: str) -> None:
    (tmp_path / "a.txt").write_bytes(raw)
    assert word in refused({"source": "text", "path": "a.txt"}, "many_to_many").message


def test_a_part_without_a_target(refused: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abcdefgh")
    split = {"train": 0.99, "val": 0.005, "test": 0.005}
    data = {"source": "text", "path": "a.txt", "window": 2, "split": split}
    assert "the val split has 0 examples" in refused(data, "many_to_many").message


def test_python_docs(make: Any) -> None:
    dataset = make({"source": "python_docs"}, "many_to_many")
    assert dataset.record["python"] == platform.python_version()
    assert len(dataset.record["sha256"]) == 64
    assert dataset.record["units"] == len(topics_text()) > 300_000
    assert 'The "assert" statement' in topics_text()
    assert len(np.unique(dataset.train.targets)) > 80


def test_a_python_without_its_documentation(refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    problem = refused({"source": "python_docs"}, "many_to_many", exit_code=12)
    assert "comes without its documentation" in problem.message
