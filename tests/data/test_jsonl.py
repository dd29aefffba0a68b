"""JSONL files: every unit in both directions, and what is said about lines that do not fit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnexp.data.dataset import Dataset, Tokens, Values

SPLIT = {"train": 0.6, "val": 0.2, "test": 0.2}


@pytest.fixture
def load(make: Any, write_lines: Any) -> Any:
    def call(lines: list[Any], kind: str = "many_to_one", target: str = "", **data: Any) -> Dataset:
        write_lines("a.jsonl", lines)
        task = {"target": target} if target else {}
        options = {"source": "jsonl", "path": "a.jsonl", **data}
        if "val_path" not in data:
            options["split"] = SPLIT
        dataset: Dataset = make(options, kind, task=task)
        return dataset

    return call


@pytest.fixture
def refuse(refused: Any, write_lines: Any) -> Any:
    def call(lines: list[Any], kind: str = "many_to_one", target: str = "", **data: Any) -> Any:
        write_lines("a.jsonl", lines)
        task = {"target": target} if target else {}
        return refused({"source": "jsonl", "path": "a.jsonl", **data}, kind, task=task)

    return call


def lines_of(inputs: list[Any], targets: list[Any]) -> list[dict[str, Any]]:
    return [{"inputs": x, "target": y} for x, y in zip(inputs, targets, strict=True)]


def every(dataset: Dataset) -> list[tuple[int, Any, Any]]:
    """(line, valid inputs, valid targets) of all splits, in the order of the file."""
    rows = []
    for name in ("train", "val", "test"):
        part = dataset.split(name)
        assert part.origin is not None
        for i, line in enumerate(part.origin):
            n = None if part.lengths is None else int(part.lengths[i])
            inputs, targets = part.inputs[i], part.targets[i]
            if dataset.shape != "one_to_many":
                inputs = inputs[:n]
            if dataset.shape != "many_to_one":
                targets = targets[:n]
            rows.append((int(line), inputs.tolist(), targets.tolist()))
    return sorted(rows)


def words(spec: Values | Tokens, ids: list[int]) -> list[str]:
    assert isinstance(spec, Tokens)
    assert spec.vocabulary is not None
    return spec.vocabulary.decode(ids)


def test_numbers_to_a_number(load: Any) -> None:
    inputs = [[float(i)] * (1 + i % 3) for i in range(10)]
    dataset = load(lines_of(inputs, [i / 2 for i in range(10)]))
    assert dataset.train.inputs.dtype == dataset.train.targets.dtype == np.float32
    assert dataset.train.targets.shape == (6, 1)
    expected = [(i + 1, [[float(i)]] * (1 + i % 3), [i / 2]) for i in range(10)]
    assert every(dataset) == expected
    assert (dataset.train.inputs[np.arange(3) >= dataset.train.lengths[:, None]] == 0).all()


def test_vectors_to_a_vector(load: Any) -> None:
    dataset = load(lines_of([[[i, 1], [2, 3]] for i in range(10)], [[i, 5.5] for i in range(10)]))
    assert dataset.inputs == Values(2)
    assert dataset.outputs == Values(2)
    assert dataset.train.lengths is None
    assert every(dataset)[4] == (5, [[4, 1], [2, 3]], [4, 5.5])


@pytest.mark.parametrize(
    ("unit", "text", "pieces"),
    [
        ("character", "Hé, you", ["H", "é", ",", " ", "y", "o", "u"]),
        ("word", "It's 3 p.m.", ["It", "'", "s", "3", "p", ".", "m", "."]),
        ("label", ["a b", "c", 7, True], ["a b", "c", "7", "true"]),
    ],
)
def test_text_to_a_label(load: Any, unit: str, text: Any, pieces: list[str]) -> None:
    inputs = [text + ([str(i)] if unit == "label" else f" {i}") for i in range(10)]
    dataset = load(lines_of(inputs, ["yes", "no"] * 5), target="classification", unit=unit)
    assert dataset.outputs.vocabulary.units == ("no", "yes")
    for line, ids, target in every(dataset):
        assert words(dataset.inputs, ids)[: len(pieces)] == pieces
        assert target == line % 2
    assert dataset.inputs.vocabulary.unknown == 0
    assert dataset.outputs.vocabulary.unknown is None


def test_ids_to_a_class(load: Any) -> None:
    inputs = [[i, 2] for i in range(10)]
    options = {"unit": "id", "vocabulary": 50, "classes": 4}
    dataset = load(lines_of(inputs, [i % 3 for i in range(10)]), **options)
    assert dataset.inputs == Tokens(50)
    assert dataset.outputs == Tokens(4)
    assert every(dataset)[7] == (8, [7, 2], 1)


@pytest.mark.parametrize("side", ["inputs", "target"])
def test_an_id_that_would_fill_the_memory(refuse: Any, side: str) -> None:
    options = {"unit": "id", "target_unit": "id"}
    lines = lines_of([[i, 1] for i in range(10)], [i % 3 for i in range(10)])
    for line in lines:
        line[side] = 1_000_000 if side == "target" else [1_000_000, *line["inputs"]]
    problem = refuse(lines, **options)
    assert problem.value == 1_000_000
    assert problem.position.file.endswith("a.jsonl")
    assert problem.allowed == "0..999999"


def test_tags_are_aligned_with_their_tokens(load: Any) -> None:
    inputs = [[*["the", "cat"][: 1 + i % 2], f"w{i}"] for i in range(10)]
    targets = [[*["DET", "NOUN"][: 1 + i % 2], "X"] for i in range(10)]
    options = {"unit": "label", "target_unit": "label"}
    dataset = load(lines_of(inputs, targets), "many_to_many", **options)
    for line, _, ids in every(dataset):
        assert words(dataset.outputs, ids) == targets[line - 1]


def test_a_number_for_every_step(load: Any) -> None:
    targets = [[i * 0.5] * (1 + i % 4) for i in range(10)]
    dataset = load(lines_of(targets, targets), "many_to_many", "regression")
    assert every(dataset)[3] == (4, [[1.5]] * 4, [[1.5]] * 4)


@pytest.mark.parametrize("target_unit", ["character", "word", "label"])
def test_a_label_to_a_text(load: Any, target_unit: str) -> None:
    targets: list[Any] = [f"ab {'c ' * (i % 3)}{i}" for i in range(10)]
    if target_unit == "label":
        targets = [text.split() for text in targets]
    inputs = ["x", "y"] * 5
    options = {"unit": "label", "target_unit": target_unit}
    dataset = load(lines_of(inputs, targets), "one_to_many", "classification", **options)
    assert dataset.outputs.end == 0
    assert dataset.outputs.vocabulary.units[0] == "<end>"
    known = set(dataset.outputs.vocabulary.units)
    for line, condition, ids in every(dataset):
        *pieces, end = words(dataset.outputs, ids)
        assert end == "<end>"
        target = targets[line - 1]
        expected = target.split() if target_unit == "word" else list(target)
        assert pieces == [unit if unit in known else "<unknown>" for unit in expected]
        assert words(dataset.inputs, [condition]) == [inputs[line - 1]]
    assert dataset.train.inputs.shape == (6,)


def test_an_id_to_ids_makes_room_for_the_end(load: Any) -> None:
    options = {"unit": "id", "vocabulary": 10, "classes": 5}
    dataset = load(lines_of(list(range(10)), [[4, 0]] * 10), "one_to_many", **options)
    assert dataset.outputs.size == 6
    assert every(dataset)[2] == (3, 2, [5, 1, 0])


def test_a_vector_to_numbers(load: Any) -> None:
    inputs = [[i, 1.5] for i in range(10)]
    dataset = load(lines_of(inputs, [[0.5] * (1 + i % 2) for i in range(10)]), "one_to_many")
    assert dataset.train.inputs.shape == (6, 2)
    assert every(dataset)[1] == (2, [1, 1.5], [[0.5]] * 2)


def test_everything_is_fitted_on_the_training_part(load: Any, write_lines: Any) -> None:
    train = lines_of([[1.0, 2.0], [3.0]], [10.0, 30.0])
    write_lines("test.jsonl", lines_of([[0.5]], [99.0]))
    for value in (5.0, 5000.0):
        write_lines("val.jsonl", lines_of([[value]], [value]))
        paths = {"val_path": "val.jsonl", "test_path": "test.jsonl"}
        dataset = load(train, scale="standard", **paths)
        assert dataset.inputs.scaler.shift == pytest.approx(2.0)
        assert dataset.inputs.scaler.scale == pytest.approx(np.std([1, 2, 3]))
        assert dataset.outputs.scaler.shift == pytest.approx(20.0)
        assert dataset.outputs.scaler.invert(dataset.val.targets)[0, 0] == pytest.approx(value)


def test_a_unit_that_training_never_shows_is_unknown(load: Any) -> None:
    inputs = ["ab", "ba", "aa", "bb", "abab", "baba", "aab", "bba", "abb", "baz"]
    dataset = load(lines_of(inputs, ["x", "y"] * 5), target="classification", unit="character")
    train = {words(dataset.inputs, [i])[0] for row in dataset.train.inputs for i in row}
    assert dataset.inputs.size == 1 + len(
        {c for line in dataset.train.origin for c in inputs[line - 1]}
    )
    assert train <= set(dataset.inputs.vocabulary.units)


BAD_LINES = [
    ("{'inputs': [1], 'target': 1.5}", 2, "not JSON"),
    ('{"inputs": [1], "target": 1.5', 30, "not JSON"),
    ("[1, 2]", 1, "JSON object"),
    ("5", 1, "JSON object"),
    ('{"input": [1], "target": 1.5}', None, "no key 'inputs'"),
    ('{"inputs": [1], "inputs": [2], "target": 1.5}', None, "'inputs' stands twice"),
    ("[" * 100_000, None, "nested too deeply"),
    ('{"inputs": [' + "1" * 5000 + '], "target": 1.5}', None, "too long"),
    ('{"inputs": [], "target": 1.5}', None, "length 0"),
    ('{"inputs": ["a"], "target": 1.5}', None, "expected a number, got text"),
    ('{"inputs": "abc", "target": 1.5}', None, "expected a list of numbers, got text"),
    ('{"inputs": [true], "target": 1.5}', None, "got true/false"),
    ('{"inputs": 5, "target": 1.5}', None, "expected a list of numbers, got a whole number"),
    ('{"inputs": [1], "target": "x"}', None, "'target': expected a number, got text"),
    ('{"inputs": [1], "target": null}', None, "1 value is null, NaN or infinite"),
    ('{"inputs": [1, NaN, Infinity], "target": 1}', None, "'inputs' step 2; line 4, 'inputs'"),
    ('{"inputs": [[1, 2]], "target": 1.5}', None, "2 features, but line 1"),
    ('{"inputs": [[1, 2], [3]], "target": 1.5}', None, "1 features at step 2"),
    ('{"inputs": [[1, 2], 3], "target": 1.5}', None, "no list at step 2"),
    ('{"inputs": [1, [3]], "target": 1.5}', None, "got a list"),
    ('{"inputs": [[]], "target": 1.5}', None, "0 features"),
    ('{"inputs": [1e39], "target": 1.5}', None, "too large for float32"),
    ('{"inputs": [' + "9" * 400 + '], "target": 1.5}', None, "too large for float32"),
    ('{"inputs": [1], "target": [1, 2]}', None, "2 features, but line 1"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "column", "words"), BAD_LINES)
def test_a_bad_line(refuse: Any, tmp_path: Path, line: str, column: int | None, words: str) -> None:
    good = lines_of([[float(i)] for i in range(10)], [0.5] * 10)
    problem = refuse([*good[:3], line, *good[3:]])
    assert problem.position.file == str(tmp_path / "a.jsonl")
    assert (problem.position.line, problem.position.column) == (4, column)
    assert words in problem.message


def test_the_nearest_key_is_named(refuse: Any) -> None:
    problem = refuse([{"input": [1], "target": 1.5}])
    assert problem.suggestion == "input"
    assert problem.allowed == "'input', 'target'"


def test_empty_and_missing_can_be_dropped(load: Any) -> None:
    lines = lines_of([[float(i)] for i in range(10)], [0.5] * 10)
    more = ['{"inputs": [], "target": 1}', "", '{"inputs": [NaN], "target": 1}']
    dataset = load([*more, *lines], empty="drop", nan="drop")
    assert [line for line, *_ in every(dataset)] == list(range(4, 14))
    assert dataset.record["examples_dropped"] == 2


def test_a_class_out_of_range(refuse: Any) -> None:
    lines = lines_of([[float(i)] for i in range(30)], [i % 3 for i in range(30)])
    lines[11]["target"] = 7
    problem = refuse(lines, classes=3)
    assert problem.position.line == 12
    assert problem.value == 7
    assert "class label 7, but data.classes is 3; seen in the data: 0, 1, 2, 7" in problem.message
    lines[11]["target"] = -1
    assert "class label -1" in refuse(lines, classes=3).message
    lines = lines_of([[float(i)] for i in range(30)], ["a"] * 30)
    assert "single class" in refuse(lines, target="classification").message


@pytest.mark.parametrize("bad", [50, 30, -5])
def test_a_token_out_of_range(refuse: Any, bad: int) -> None:
    lines = lines_of([[i, 1] for i in range(30)], ["a", "b"] * 15)
    lines[4]["inputs"] = [3, bad]
    problem = refuse(lines, target="classification", unit="id", vocabulary=30)
    assert problem.position.line == 5
    assert f"token id {bad} at step 2, but data.vocabulary is 30" in problem.message


def test_a_label_that_training_never_shows(refuse: Any, write_lines: Any) -> None:
    write_lines("b.jsonl", lines_of([[5.0]], ["zebra"]))
    paths = {"val_path": "b.jsonl", "test_path": "b.jsonl", "allow_overlap": True}
    problem = refuse(lines_of([[1.0], [2.0]], ["a", "b"]), target="classification", **paths)
    assert "'zebra' never occurs in the training part" in problem.message
    assert problem.allowed == "a, b"


def test_classes_must_agree_with_the_labels(refuse: Any) -> None:
    lines = lines_of([[float(i)] for i in range(30)], ["a", "b", "c"] * 10)
    problem = refuse(lines, target="classification", classes=5)
    assert "data.classes is 5, but the training part has 3 labels: a, b, c" in problem.message


def test_unaligned_sequences(refuse: Any) -> None:
    lines = lines_of([[float(i)] * 3 for i in range(10)], [[0.5] * 3] * 9 + [[0.5]])
    problem = refuse(lines, "many_to_many", "regression")
    assert problem.position.line == 10
    assert "'inputs' has 3 steps and 'target' 1" in problem.message


def test_half_a_surrogate_pair_is_no_text(refuse: Any) -> None:
    lines = lines_of(["a\ud800"] * 10, ["x", "y"] * 5)
    assert "surrogate" in refuse(lines, target="classification", unit="character").message


def test_too_few_examples_for_three_splits(refuse: Any) -> None:
    assert (
        "the test split has 0 of 3 examples"
        in refuse(lines_of([[1.0], [2], [3]], [1.5] * 3)).message
    )
    assert "0 examples" in refuse([]).message


def test_files_that_share_examples(refuse: Any, load: Any, write_lines: Any) -> None:
    lines = lines_of([[float(i)] for i in range(10)], [0.5] * 10)
    same = {"val_path": "a.jsonl", "test_path": "a.jsonl"}
    problem = refuse(lines, **same)
    assert "20 examples stand in more than one split" in problem.message
    dataset = load(lines, allow_overlap=True, **same)
    assert dataset.record["examples_in_two_splits"] == 20

    write_lines("val.jsonl", ['{"target":0.5,   "inputs":[3.0], "note": "x"}'])
    write_lines("test.jsonl", lines_of([[77.0]], [1.0]))
    problem = refuse(lines, val_path="val.jsonl", test_path="test.jsonl")
    assert "1 examples stand in more than one split" in problem.message
    assert problem.position.file.endswith("val.jsonl")
    assert "a.jsonl:4" in problem.message


def test_equal_lines_go_to_one_split(load: Any) -> None:
    lines = lines_of([[float(i % 10)] for i in range(60)], [0.5] * 60)
    dataset = load(lines)
    parts = [set(dataset.split(name).inputs.ravel().tolist()) for name in ("train", "val", "test")]
    assert sum(map(len, parts)) == 10
    assert [len(part) for part in parts] == [6, 2, 2]


numbers = st.floats(-1e6, 1e6, width=32)


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.lists(numbers, min_size=1, max_size=6), numbers),
             min_size=10, max_size=20, unique_by=repr)
)  # fmt: skip
def test_what_is_written_is_read_back(load: Any, rows: list[tuple[list[float], float]]) -> None:
    dataset = load(lines_of([x for x, _ in rows], [y for _, y in rows]))
    expected = [(i, [[v] for v in x], [y]) for i, (x, y) in enumerate(rows, start=1)]
    assert every(dataset) == expected


def test_words_that_are_split_already_are_labels(refuse: Any) -> None:
    units = {"target_unit": "label", "target": "classification"}
    problem = refuse(
        [{"inputs": ["a", "b"], "target": ["D"]}], "many_to_many", unit="word", **units
    )
    assert "a list of tokens is data.unit: label" in problem.hint
    problem = refuse([{"inputs": "a b", "target": ["D"]}], "many_to_many", unit="label", **units)
    assert "data.unit: word, or character" in problem.hint


PAIRS = {"source": "jsonl", "path": "a.jsonl", "unit": "bpe", "pieces": 270}
REVIEWS = [{"inputs": f"a fine, fine film {i} 😀", "target": "pn"[i % 2]} for i in range(30)]


def test_byte_pairs_of_the_training_part(make: Any, write_lines: Any) -> None:
    write_lines("a.jsonl", [*REVIEWS, {"inputs": "", "target": "pos"}])
    dataset = make({**PAIRS, "empty": "drop"}, task={"target": "classification"})
    assert isinstance(dataset.inputs, Tokens)
    vocabulary, train = dataset.inputs.vocabulary, dataset.train
    assert vocabulary is not None and train.lengths is not None and train.origin is not None
    assert len(vocabulary) == dataset.inputs.size == 270
    for row, length, line in zip(train.inputs, train.lengths, train.origin, strict=True):
        text = REVIEWS[int(line) - 1]["inputs"]
        assert vocabulary.decode_text(row[:length].tolist()) == text
        assert length < len(text.encode())


def test_generated_byte_pairs_end(make: Any, write_lines: Any) -> None:
    write_lines("a.jsonl", [{"inputs": i % 3, "target": f"text no {i} ä"} for i in range(40)])
    data = {**PAIRS, "unit": "id", "target_unit": "bpe"}
    dataset = make(data, "one_to_many")
    assert isinstance(dataset.outputs, Tokens) and dataset.outputs.end == 0
    vocabulary, row = dataset.outputs.vocabulary, dataset.test.targets[0].tolist()
    assert vocabulary is not None
    text = vocabulary.decode_text(row[: row.index(0)])
    assert text in [f"text no {i} ä" for i in range(40)]


def test_byte_pairs_without_their_library(
    refused: Any, write_lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines("a.jsonl", REVIEWS)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    problem = refused(PAIRS, task={"target": "classification"}, exit_code=12)
    assert problem.key == "data.unit" and "rnnexp[text]" in str(problem.hint)
