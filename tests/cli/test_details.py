"""Tables below the scores: what is shown of many classes, and nothing a terminal would obey."""

from __future__ import annotations

import io
from typing import Any

import pytest

from rnnexp.cli.results import class_table, details_text


def classes(count: int) -> list[dict[str, Any]]:
    """Class i has i targets and was found the better the larger it is."""
    return [
        {"class": f"c{i}", "support": i, "precision": None, "recall": i / count, "f1": i / count}
        for i in range(count)
    ]


def names(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines() if line.startswith("c")][1:]


def test_few_classes_are_all_there_the_most_frequent_first() -> None:
    text = class_table(classes(12), io.StringIO())
    assert names(text) == [f"c{i}" for i in range(11, -1, -1)]
    assert text.splitlines()[0].split() == ["class", "support", "precision", "recall", "f1"]
    assert text.splitlines()[2].split() == ["c11", "11", "-", "0.9167", "0.9167"]
    assert "of 12" not in text


def test_of_many_the_most_frequent_and_the_worst_that_occur() -> None:
    text = class_table(classes(40), io.StringIO())
    assert names(text) == [f"c{i}" for i in (39, 38, 37, 36, 35, 34, 6, 5, 4, 3, 2, 1)]
    assert "of 40 classes" in text


def test_columns_and_intervals() -> None:
    result = {
        "columns": {"price": {"rmse": 2.0, "mae": 1.5, "mase": None}},
        "coverage": {"80": 0.774, "95": 1.0},
        "mase_period": 12,
    }
    table, notes = details_text(result, io.StringIO()).split("\n\n")
    assert table.splitlines()[2].split() == ["price", "2", "1.5", "-"]
    assert "80 % holds 77 %, 95 % holds 100 % of the targets" in notes
    assert "the value 12 steps before" in notes
    assert "the value before" in details_text({"mase_period": 1}, io.StringIO())
    many = {"columns": {f"c{i}": {"rmse": 1.0} for i in range(30)}}
    assert "18 more columns" in details_text(many, io.StringIO())


def test_names_from_the_data_cannot_steer_a_terminal() -> None:
    hostile = "\x1b[2J\u202e" + "x" * 100
    rows = [{"class": hostile, "support": 1, "precision": 1.0, "recall": 1.0, "f1": 1.0}]
    result = {"classes": rows, "columns": {hostile: {hostile: 1.0}}, "coverage": {hostile: 1.0}}
    text = details_text(result, io.StringIO())
    assert "\x1b" not in text and "\u202e" not in text
    assert "\\x1b[2J" in text


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {"classes": 3, "columns": [], "coverage": 1, "mase_period": "x"},
        {"classes": [None, {}, {"class": ["x"], "support": "many", "f1": {}}]},
        {"columns": {"a": 1, "b": {}}, "coverage": {"80": None}},
        {"columns": {"a": {"rmse": "NaN"}, "b": {"mae": 1.0}}},
    ],
)
def test_damaged_files_are_shown_as_far_as_they_go(damaged: dict[str, Any]) -> None:
    assert isinstance(details_text(damaged, io.StringIO()), str)
