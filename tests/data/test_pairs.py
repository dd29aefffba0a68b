"""Parallel text, tagged sentences and tables with one example a row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rnnexp.data.dataset import Tokens, Values
from tests.data.conftest import Prepare, Refused

SPLIT = {"train": 0.5, "val": 0.25, "test": 0.25}
WORDS = ("dog", "cat", "bird", "fish")


def conllu(sentences: list[list[tuple[str, str]]]) -> str:
    """Sentences of (word, tag) as CoNLL-U, with a comment, a range and an empty node in each."""
    lines = []
    for sentence in sentences:
        lines += ["# text = ...", "1-2\tdu\t" + "\t".join("_" * 8)]
        for number, (word, tag) in enumerate(sentence, start=1):
            lines.append(f"{number}\t{word}\t{word}\t{tag}\tX\t_\t0\troot\t_\t_")
        lines += ["8.1\tghost\t" + "\t".join("_" * 8), ""]
    return "\n".join(lines)


SENTENCES = [[("the", "DET"), (word, "NOUN"), (str(i), "NUM")] for i in range(4) for word in WORDS]


def test_tagged_sentences(make: Prepare, tmp_path: Path) -> None:
    (tmp_path / "a.conllu").write_text(conllu(SENTENCES))
    dataset = make({"source": "conllu", "path": "a.conllu", "split": SPLIT}, "many_to_many")
    assert isinstance(dataset.outputs, Tokens) and dataset.outputs.vocabulary is not None
    assert dataset.outputs.vocabulary.units == ("DET", "NOUN", "NUM")
    assert dataset.train.inputs.shape == (8, 3) and dataset.train.lengths is None


def test_a_test_file_of_its_own(make: Prepare, refused: Refused, tmp_path: Path) -> None:
    """The validation is a share of the rest; what stands in both files is refused or dropped."""
    (tmp_path / "a.conllu").write_text(conllu(SENTENCES))
    (tmp_path / "b.conllu").write_text(conllu([[("a", "DET"), ("cat", "NOUN")], SENTENCES[0]]))
    data = {"source": "conllu", "path": "a.conllu", "test_path": "b.conllu"}
    assert refused(data, "many_to_many").code == "DAT143"
    dataset = make({**data, "duplicates": "drop"}, "many_to_many")
    assert len(dataset.test) == 2 and len(dataset.train) + len(dataset.val) == 15
    assert dataset.record["examples_in_two_splits"] == 0
    assert len(dataset.record["files"]) == 2


@pytest.mark.parametrize(
    ("line", "code"),
    [("1\tthe\tDET", "DAT111"), ("7\tthe\tthe\tDET\t_\t_\t_\t_\t_\t_", "DAT127")],
)
def test_broken_sentences(refused: Refused, tmp_path: Path, line: str, code: str) -> None:
    (tmp_path / "a.conllu").write_text(f"# one\n{line}\n\n")
    problem = refused({"source": "conllu", "path": "a.conllu"}, "many_to_many")
    assert problem.code == code and problem.position is not None and problem.position.line == 2


def test_texts_and_labels_of_a_table(make: Prepare, tmp_path: Path) -> None:
    rows = [f'"{word}, {i} times",{"good" if i % 2 else "bad"}' for i in range(8) for word in WORDS]
    (tmp_path / "a.csv").write_text("\n".join(["review,mood", *rows]))
    data = {"source": "csv_rows", "path": "a.csv", "inputs": "review", "target": "mood"}
    dataset = make({**data, "unit": "word"}, task={"target": "classification"})
    assert isinstance(dataset.outputs, Tokens) and dataset.outputs.vocabulary is not None
    assert dataset.outputs.vocabulary.units == ("bad", "good")
    assert dataset.train.inputs.shape[1] == 4  # the word, the comma, the number, "times"


def test_a_series_a_row(make: Prepare, tmp_path: Path) -> None:
    rows = [f"{i},{i + 1},{i + 2},{i + 3}" for i in range(12)]
    (tmp_path / "a.csv").write_text("\n".join(["a,b,c,next", *rows]))
    data = {"source": "csv_rows", "path": "a.csv", "inputs": ["a", "b", "c"], "target": "next"}
    dataset = make({**data, "split": SPLIT}, task={"target": "regression"})
    assert isinstance(dataset.inputs, Values) and dataset.train.inputs.shape == (6, 3, 1)
    np.testing.assert_array_equal(dataset.train.targets, dataset.train.inputs[:, -1] + 1)


def test_sequences_in_cells(make: Prepare, tmp_path: Path) -> None:
    rows = [f"the {word},DET NOUN" for word in WORDS * 3]
    (tmp_path / "a.csv").write_text("\n".join(["words,tags", *rows]))
    data = {"source": "csv_rows", "path": "a.csv", "inputs": "words", "target": "tags"}
    units = {"unit": "label", "target_unit": "label", "split": SPLIT}
    dataset = make({**data, **units, "allow_overlap": True}, "many_to_many")
    assert dataset.train.inputs.shape == dataset.train.targets.shape == (6, 2)


def test_text_where_a_number_is_due(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\nx,3\n")
    data = {"source": "csv_rows", "path": "a.csv", "inputs": ["a"], "target": "b"}
    problem = refused(data, task={"target": "regression"})
    assert problem.code == "DAT112" and problem.position is not None and problem.position.line == 3


def test_an_absent_column(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("review,mood\nx,y\n")
    data = {"source": "csv_rows", "path": "a.csv", "inputs": "reviev", "target": "mood"}
    problem = refused({**data, "unit": "word"}, task={"target": "classification"})
    assert problem.code == "DAT114" and problem.suggestion == "review"
    assert problem.key == "data.inputs"


def test_a_table_of_parquet(make: Prepare, refused: Refused, tmp_path: Path) -> None:
    """The same examples as from CSV, lists as cells, and a file that only looks like one."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    texts = [f"{word} {i}" for i in range(4) for word in WORDS]
    moods = ["good" if i % 2 else "bad" for i in range(16)]
    steps = [[float(i), float(i) / 2] for i in range(16)]
    table = pyarrow.table({"text": texts, "mood": moods, "steps": steps})
    parquet.write_table(table, tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text(
        "\n".join(["text,mood", *map(",".join, zip(texts, moods, strict=True))])
    )
    data = {"inputs": "text", "target": "mood", "unit": "word"}
    task = {"target": "classification"}
    rows = make({"source": "parquet_rows", "path": "a.parquet", **data}, task=task)
    same = make({"source": "csv_rows", "path": "a.csv", **data}, task=task)
    np.testing.assert_array_equal(rows.train.inputs, same.train.inputs)
    np.testing.assert_array_equal(rows.train.targets, same.train.targets)
    numbers = {"source": "parquet_rows", "path": "a.parquet", "inputs": "steps", "target": "mood"}
    assert make(numbers, task=task).train.inputs.shape[1:] == (2, 1)
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-7])
    assert refused(numbers, task=task).code == "DAT128"
