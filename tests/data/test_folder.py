"""Text files by class: one file a class, or one folder a class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnexp.data.dataset import Dataset, Tokens
from tests.data.conftest import Prepare, Refused

SPLIT = {"train": 0.5, "val": 0.25, "test": 0.25}


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def classes(dataset: Dataset) -> tuple[str, ...]:
    assert isinstance(dataset.outputs, Tokens) and dataset.outputs.vocabulary is not None
    return dataset.outputs.vocabulary.units


LINES = "".join(f"word{i}\n" for i in range(8))


@pytest.mark.parametrize(
    "files",
    [
        {"Arabic.txt": LINES, "Greek.txt": LINES.upper()},
        {"rt.Arabic": LINES, "rt.Greek": LINES.upper()},
        {f"{name}/{i}.txt": f"text {i}" for name in ("Arabic", "Greek") for i in range(8)},
    ],
    ids=["stem", "ending", "folder"],
)
def test_the_class_is_the_name(make: Prepare, tmp_path: Path, files: dict[str, str]) -> None:
    fill(tmp_path / "texts", files)
    dataset = make({"source": "folder", "path": "texts", "split": SPLIT})
    assert classes(dataset) == ("Arabic", "Greek")
    sizes = [len(dataset.split(name)) for name in ("train", "val", "test")]
    assert sizes == [8, 4, 4]


def test_a_text_is_written_for_its_class(make: Prepare, tmp_path: Path) -> None:
    fill(tmp_path / "texts", {"a.txt": "xyx\nxxy\nyyx\nxyy\n", "b.txt": "zzz\nzz\nz\nzzzz\n"})
    data = {"source": "folder", "path": "texts", "unit": "character", "split": SPLIT}
    dataset = make(data, "one_to_many")
    assert isinstance(dataset.inputs, Tokens) and isinstance(dataset.outputs, Tokens)
    assert dataset.outputs.end == 0
    assert dataset.train.lengths is not None
    for row, length in zip(dataset.train.targets, dataset.train.lengths, strict=True):
        assert row[length - 1] == 0 and (row[: length - 1] > 0).all()


def test_stratified_shares(make: Prepare, tmp_path: Path) -> None:
    """One class is nine times as frequent as the other, in every split."""
    fill(
        tmp_path / "texts",
        {
            "many.txt": "".join(f"m{i}\n" for i in range(360)),
            "few.txt": "".join(f"f{i}\n" for i in range(40)),
        },
    )
    dataset = make({"source": "folder", "path": "texts", "split": SPLIT, "stratify": True})
    few = classes(dataset).index("few")
    shares = [(dataset.split(name).targets == few).mean() for name in ("train", "val", "test")]
    assert shares == [0.1, 0.1, 0.1]


def test_folds_cover_everything_once(make: Prepare, tmp_path: Path) -> None:
    fill(tmp_path / "texts", {"a.txt": LINES, "b.txt": LINES.upper()})
    tested = []
    for fold in range(3):
        data = {"source": "folder", "path": "texts", "folds": 3, "fold": fold}
        dataset = make({**data, "split": {"train": 0.8, "val": 0.2, "test": 0}})
        parts = [dataset.split(name).origin for name in ("train", "val", "test")]
        assert sum(len(part) for part in parts if part is not None) == 16
        assert parts[2] is not None
        label = dataset.test.targets
        tested += list(zip(label.tolist(), parts[2].tolist(), strict=True))
    assert sorted(tested) == [(label, line) for label in (0, 1) for line in range(1, 9)]


def test_repeated_and_ambiguous_examples(make: Prepare, tmp_path: Path) -> None:
    """`twice` stands twice in a; `both` in a and in b."""
    fill(
        tmp_path / "texts",
        {"a.txt": LINES + "twice\ntwice\nboth\n", "b.txt": LINES.upper() + "both\n"},
    )
    data = {"source": "folder", "path": "texts", "split": SPLIT}

    def examples(**keys: str) -> int:
        dataset = make({**data, **keys})
        assert dataset.record["examples_dropped"] == 20 - sum(dataset_sizes(dataset))
        return sum(dataset_sizes(dataset))

    assert examples() == 20
    assert examples(duplicates="drop") == 19
    assert examples(ambiguous="drop") == 18
    assert examples(duplicates="drop", ambiguous="drop") == 17


def test_names_and_their_class_have_the_same_splits(make: Prepare, tmp_path: Path) -> None:
    """What generates texts of a class can be judged by what was trained on the same part."""
    fill(tmp_path / "texts", {"a.txt": LINES + "both\n", "b.txt": LINES.upper() + "both\n"})
    data: dict[str, Any] = {"source": "folder", "path": "texts", "unit": "character"}
    data |= {"split": SPLIT, "stratify": True, "ambiguous": "drop"}
    read, written = make(data), make(data, "one_to_many")
    for name in ("train", "val", "test"):
        one, other = read.split(name), written.split(name)
        assert one.origin is not None and other.origin is not None and len(one) > 0
        np.testing.assert_array_equal(one.origin, other.origin)


def dataset_sizes(dataset: Dataset) -> list[int]:
    return [len(dataset.split(name)) for name in ("train", "val", "test")]


def test_rare_units_and_case(make: Prepare, tmp_path: Path) -> None:
    lines = "".join(f"The film {i}\nthe book {i}\n" for i in range(8))
    fill(tmp_path / "texts", {"a.txt": lines, "b.txt": lines.replace("film", "play")})
    data = {"source": "folder", "path": "texts", "lowercase": True, "min_count": 5}
    dataset = make({**data, "max_length": 2})
    assert isinstance(dataset.inputs, Tokens) and dataset.inputs.vocabulary is not None
    units = set(dataset.inputs.vocabulary.units)
    assert "the" in units and "The" not in units and not {str(i) for i in range(8)} & units
    assert dataset.train.inputs.shape[1] == 2
    assert np.isin(dataset.test.inputs, np.arange(len(units))).all()


def test_a_file_is_no_folder(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "texts").write_text("a\n")
    problem = refused({"source": "folder", "path": "texts"})
    assert problem.code == "DAT102" and "not a folder" in problem.message


def test_an_absent_folder(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    problem = refused({"source": "folder", "path": "text"})
    assert problem.code == "DAT101" and problem.suggestion == "texts"


def test_an_empty_folder(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    assert refused({"source": "folder", "path": "texts"}).code == "DAT102"


def test_files_beside_folders(refused: Refused, tmp_path: Path) -> None:
    fill(tmp_path / "texts", {"a.txt": "x\n", "b/1.txt": "y"})
    problem = refused({"source": "folder", "path": "texts"})
    assert problem.code == "DAT102" and "a.txt" in problem.message


def test_bytes_that_are_no_text(refused: Refused, tmp_path: Path) -> None:
    fill(tmp_path / "texts", {"a.txt": "x\n"})
    (tmp_path / "texts" / "b.txt").write_bytes(b"caf\xe9\n")
    problem = refused({"source": "folder", "path": "texts"})
    assert problem.code == "DAT104" and problem.position is not None
    assert problem.position.file.endswith("b.txt") and problem.position.line == 1
