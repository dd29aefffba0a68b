"""Pictures of matrices: readable for any names and sizes, and showing what is in the matrix."""

from __future__ import annotations

import io

import matplotlib.image
import numpy as np
import pytest
from numpy.typing import NDArray

from rnnexp.reports.drawing import label
from rnnexp.reports.plots import attention_plot, confusion_plot

ODD = ["plain", "$x_{1}$", "\x1b[31m", "\u202ename", "漢字", "", " ", "\n", "l" * 200, "été"]


def pixels(png: bytes) -> NDArray[np.float32]:
    image = matplotlib.image.imread(io.BytesIO(png), format="png")
    return np.asarray(image[..., :3], np.float32)


def darkest_column(image: NDArray[np.float32]) -> int:
    """Where the dark blue of a full cell is, from left to right."""
    blue = np.abs(image - np.array([8, 48, 107]) / 255).max(axis=-1) < 0.02
    return int(np.argmax(blue.sum(axis=0)))


@pytest.mark.parametrize("size", [2, 18, 60, 200])
def test_any_number_of_classes(size: int) -> None:
    counts = np.eye(size, dtype=np.int64)
    image = pixels(confusion_plot([f"class {i}" for i in range(size)], counts))
    assert max(image.shape[:2]) <= 14 * 120
    assert min(image.shape[:2]) >= 3 * 120


def test_a_cell_is_where_its_class_is() -> None:
    left = np.array([[9, 0, 0], [9, 0, 0], [9, 0, 0]])
    names = ["a", "b", "c"]
    first, last = (darkest_column(pixels(confusion_plot(names, m))) for m in (left, left[:, ::-1]))
    assert first < last


def test_rows_are_shares_of_their_class() -> None:
    few, many = np.array([[3, 1], [1, 1]]), np.array([[6, 2], [4, 4]])
    names = ["a", "b"]
    shown = [pixels(confusion_plot(names, counts)) for counts in (few, many)]
    differing = np.abs(shown[0] - shown[1]).max(axis=-1) > 0
    assert not differing[:, 130:].any()  # all but the counts beside the names


def test_a_class_without_targets_is_an_empty_row() -> None:
    assert pixels(confusion_plot(["a", "b"], np.array([[0, 0], [0, 5]]))).size


def test_odd_names_are_drawn_and_hidden_ones_spelled_out() -> None:
    assert pixels(confusion_plot(ODD, np.eye(len(ODD), dtype=np.int64))).size
    assert pixels(attention_plot(np.full((len(ODD), 1), 1.0), ["x"], ODD)).size
    assert label("\x1b[31m") == "\\x1b[31m"
    assert label("\u202ename") == "\\u202ename"
    assert label(" ") == "' '" and label("\n") == "\\n" and label("été") == "été"
    assert len(label("l" * 200)) == 24


def test_attention_has_a_row_a_target_and_a_column_a_source_token() -> None:
    weights = np.zeros((2, 3))
    weights[:, 2] = 1
    right = darkest_column(pixels(attention_plot(weights, ["un", "deux", "trois"], ["one", "two"])))
    left = attention_plot(weights[:, ::-1], ["un", "deux", "trois"], ["one", "two"])
    assert darkest_column(pixels(left)) < right
    with pytest.raises(AssertionError):
        attention_plot(weights, ["un"], ["one", "two"])
