"""Pre-trained embeddings: what is found, and files that are not what they should be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnexp.data.dataset import Dataset

LINES = [
    {"inputs": f"{a} {b}", "target": label}
    for label, pairs in (("+", "good fine,good day,fine day"), ("-", "bad rain,rain day,bad day"))
    for a, b in (pair.split() for pair in pairs.split(","))
]
DATA = {
    "source": "jsonl", "path": "a.jsonl", "unit": "word", "target_unit": "label",
    "split": {"train": 0.6, "val": 0.2, "test": 0.2},
}  # fmt: skip
GLOVE = "good 1 2 3\nbad -1 -2 -3e-1\n. . . 0 0 0\nnever 7 7 7\ngood 9 9 9\n"


@pytest.fixture
def prepare(make: Any, write_lines: Any, tmp_path: Path) -> Any:
    def call(vectors: str | bytes, embedding: int = 3, prepare: Any = make) -> Any:
        write_lines("a.jsonl", LINES)
        content = vectors if isinstance(vectors, bytes) else vectors.encode()
        (tmp_path / "v.txt").write_bytes(content)
        model = {"embedding": embedding, "pretrained": {"path": "v.txt"}}
        return prepare(DATA, "many_to_one", model=model)

    return call


@pytest.mark.parametrize(
    "text",
    [GLOVE, "5 3\n" + GLOVE, GLOVE.replace("\n", " \r\n"), GLOVE.replace(" ", "\t"), GLOVE[:-1]],
    ids=["glove", "word2vec", "trailing blanks", "tabs", "no last newline"],
)
def test_words_of_the_vocabulary_are_found(prepare: Any, text: str, tmp_path: Path) -> None:
    dataset: Dataset = prepare(text)
    assert dataset.vectors is not None
    names = dataset.inputs.vocabulary.units  # type: ignore[union-attr]
    found = {
        names[i]: row.tolist()
        for i, row in zip(dataset.vectors.ids, dataset.vectors.values, strict=True)
    }
    theirs = {"good": [1, 2, 3], "bad": [-1, -2, np.float32(-0.3)]}
    assert found == {word: values for word, values in theirs.items() if word in names}
    record = dataset.record["pretrained"]
    assert record["path"] == str(tmp_path / "v.txt")
    assert (record["found"], record["of"]) == (len(found), len(names))


def test_vectors_of_another_size(prepare: Any, refused: Any) -> None:
    for text in (GLOVE, "4 3\n" + GLOVE):
        problem = prepare(text, 8, refused)
        assert problem.code == "DAT262" and problem.key == "model.embedding"
        assert "8" in problem.message and "3 numbers" in problem.message
        assert problem.hint == "write embedding: 3"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (GLOVE + "rain 1 2\n", 6),
        (GLOVE + "rain 1 2 x\n", 6),
        (GLOVE + "rain 1 2 3 4\n", 6),
        (GLOVE + "rain 1 2 nan\n", 6),
        (GLOVE + "\n" + GLOVE, 6),
        ("a plain text\n", 1),
        ("good " + "1" * 3_000_000, 1),
    ],
)
def test_bad_lines_are_named(
    prepare: Any, refused: Any, text: str, line: int, tmp_path: Path
) -> None:
    problem = prepare(text, 3, refused)
    assert problem.code in ("DAT263", "DAT262")
    if problem.code == "DAT263":
        assert str(problem.position) == f"{tmp_path / 'v.txt'}:{line}"


def test_nothing_found(prepare: Any, refused: Any) -> None:
    problem = prepare("the 1 2 3\nof 1 2 3\n", 3, refused)
    assert problem.code == "DAT264"
    assert "'the', 'of'" in problem.hint
    assert "it is empty" in prepare("", 3, refused).hint


def test_other_files_that_cannot_be_read(
    prepare: Any, make: Any, refused: Any, write_lines: Any, tmp_path: Path
) -> None:
    assert prepare(b"good 1 2 3\nb\xff\xfe 1 2 3\n", 3, refused).code == "DAT104"
    (tmp_path / "v.txt").unlink()
    model = {"embedding": 3, "pretrained": {"path": "v.txt"}}
    missing = refused(DATA, "many_to_one", model=model)
    assert missing.code == "DAT101" and missing.key == "model.pretrained.path"
    (tmp_path / "v.txt").mkdir()
    assert refused(DATA, "many_to_one", model=model).code == "DAT102"
