"""Pictures of matrices: which class is taken for which, which word looks at which.

Shape letters: O classes, T target tokens, S source tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.reports.drawing import GREY, INK, label, new_figure, png_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

__all__ = ["attention_plot", "confusion_plot"]

Matrix = NDArray[Any]

COLOURS = "Blues"
MOST_WRITTEN_CELLS = 24
MOST_LABELS = 60
MOST_LEVEL_LETTERS = 30
SIDES = (3.6, 14.0)
"""inches, at least and at most"""
DARK = 55
"""per cent, from here on white letters are easier to read than dark ones"""


def confusion_plot(classes: Sequence[str], confusion_OO: Matrix) -> bytes:
    """Row by row, which share of a class's targets was taken for which class, in per cent.

    The number of targets stands beside the name; rows of classes that never occur stay empty.
    Up to 24 classes have their shares written into the cells.
    """
    support_O = confusion_OO.sum(axis=1)
    percent_OO = 100 * confusion_OO / np.maximum(support_O, 1)[:, None]
    names = [label(name) for name in classes]
    side = 2.6 + 0.42 * len(names)
    figure, axes = _matrix_figure("Taken for which class (test split)", side + 1.2, side)
    axes.set_xlabel("answered", color=INK)
    axes.set_ylabel("true class (number of targets)", color=INK)
    image = _draw(axes, percent_OO, 100)
    rows = [f"{name} ({count:,})" for name, count in zip(names, support_O.tolist(), strict=True)]
    _name_axes(axes, rows, names)
    if len(names) <= MOST_WRITTEN_CELLS:
        _write_cells(axes, percent_OO)
    _colour_bar(figure, axes, image, "per cent of the row")
    return png_of(figure)


def attention_plot(weights_TS: Matrix, source: Sequence[str], target: Sequence[str]) -> bytes:
    """How much each target token (row) attends to each source token (column), 0..1.

    weights_TS: (T, S), as many rows and columns as there are tokens.
    """
    weights_TS = np.asarray(weights_TS)
    assert weights_TS.shape == (len(target), len(source))
    width, height = 2.8 + 0.42 * len(source), 2.2 + 0.36 * len(target)
    figure, axes = _matrix_figure("Attention", width, height)
    image = _draw(axes, weights_TS, 1)
    _name_axes(axes, [label(token) for token in target], [label(token) for token in source])
    axes.xaxis.tick_top()
    _colour_bar(figure, axes, image, "weight")
    return png_of(figure)


def _matrix_figure(title: str, width: float, height: float) -> tuple[Figure, Axes]:
    low, high = SIDES
    size = (min(max(width, low), high), min(max(height, low), high))
    figure, axes = new_figure(title, "", "", size)
    axes.grid(visible=False)
    return figure, axes


def _draw(axes: Axes, matrix: Matrix, most: float) -> AxesImage:
    return axes.imshow(
        matrix, cmap=COLOURS, vmin=0, vmax=most, aspect="auto", interpolation="nearest"
    )


def _name_axes(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    """A name at every row and column, or at every so many where there is no room for all."""
    every = [-(-len(names) // MOST_LABELS) for names in (rows, columns)]
    small = 9 if max(len(rows), len(columns)) <= MOST_WRITTEN_CELLS else 6.5
    axes.set_yticks(range(0, len(rows), every[0]), rows[:: every[0]], fontsize=small)
    axes.set_xticks(range(0, len(columns), every[1]), columns[:: every[1]], fontsize=small)
    if max(map(len, columns), default=0) * len(columns) > MOST_LEVEL_LETTERS:
        axes.tick_params(axis="x", rotation=90)


def _write_cells(axes: Axes, percent_OO: Matrix) -> None:
    for row, column in np.argwhere(percent_OO > 0).tolist():
        percent = percent_OO[row, column]
        colour = "white" if percent > DARK else INK
        text = f"{percent:.0f}" if percent >= 0.5 else "<1"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)


def _colour_bar(figure: Figure, axes: Axes, image: AxesImage, name: str) -> None:
    bar = figure.colorbar(image, ax=axes, shrink=0.7, aspect=25, pad=0.02)
    bar.set_label(name, color=INK)
    bar.ax.tick_params(labelsize=8, colors=INK)
    bar.outline.set_edgecolor(GREY)
