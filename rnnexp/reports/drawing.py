"""How every picture is drawn: figure, axes, lines, and PNG bytes.

matplotlib's object interface alone: no global state, no display. Lines differ by colour (the
palette of Okabe and Ito, told apart by colour-blind readers) and by dash or marker as well.
"""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "FORMATS",
    "Series",
    "as_png",
    "draw_line",
    "dress",
    "label",
    "make_logarithmic",
    "new_figure",
    "number",
    "picture_of",
    "plain",
    "png_of",
]

Series = tuple[list[float], list[float]]

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#6B6B6B"
INK, FAINT = "#222222", "#D9D9D9"
SIZE, DPI = (7.2, 4.2), 120
TITLE_COLUMNS = 80
LABEL_COLUMNS = 24
MARKED_POINTS = 60
POWERS = 1e5
BESIDE_THE_TITLE = 2
"""so many entries of a legend fit there"""
PALETTE = (BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", INK)
FORMS = ("-", "--", "-.", ":", "-", "--", "-.")
FORMATS = {"png": "Software", "svg": "Date", "pdf": "CreationDate"}
"""of a picture, and what each would say of the hour or the program"""


def new_figure(
    title: str, across: str, up: str, size: tuple[float, float] = SIZE
) -> tuple[Figure, Axes]:
    """A figure of a size in inches with one panel, whose axes have these names."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=DPI, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    dress(axes, across, up)
    heading = textwrap.shorten(title, TITLE_COLUMNS, placeholder="…")
    axes.set_title(plain(heading), loc="left", fontsize=12, fontweight="bold", color=INK, pad=10)
    return figure, axes


def dress(axes: Axes, across: str, up: str) -> None:
    axes.set_xlabel(plain(across), color=INK)
    axes.set_ylabel(plain(textwrap.shorten(up, 40, placeholder="…")), color=INK)
    axes.grid(color=FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=9, length=3)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GREY)


def plain(text: str) -> str:
    """Dollar signs would be read as mathematics."""
    return text.replace("$", r"\$")


def label(text: str) -> str:
    """A name from the data: on one line, short, what cannot be seen as `\\x1b` or `\\u202e`."""
    seen = text if text.isprintable() else "".join(map(_visible, text))
    short = seen if len(seen) <= LABEL_COLUMNS else seen[: LABEL_COLUMNS - 1] + "…"
    return plain(short) if short.strip() else repr(short)


def _visible(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


def number(value: Any) -> float:
    """A value of a record as a number; NaN where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def draw_line(axes: Axes, series: Series, label: str, colour: str, form: str) -> None:
    """Adds a line in a form such as `--o`; of many points only some are marked."""
    if not series[0]:
        return
    axes.plot(
        *series,
        form if len(series[0]) > 1 else "o",
        label=plain(label),
        color=colour,
        linewidth=1.8,
        markersize=4.0,
        markevery=max(1, len(series[0]) // MARKED_POINTS),
        markeredgewidth=0,
    )


def make_logarithmic(axes: Axes) -> None:
    """A logarithmic axis, labelled 0.5, 1, 2; over many powers of ten in powers."""
    from matplotlib.ticker import LogFormatter, LogFormatterMathtext

    axes.set_yscale("log", nonpositive="mask")
    bottom, top = axes.get_ylim()
    if top / bottom > POWERS:
        axes.yaxis.set_major_formatter(LogFormatterMathtext())
        return
    axes.yaxis.set_major_formatter(LogFormatter())
    axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.4)))


def as_png(figure: Figure, axes: Axes) -> bytes:
    """The figure with its legend as PNG; the same data give the same bytes."""
    named = axes.get_legend_handles_labels()[1]
    if len(named) > BESIDE_THE_TITLE:
        figure.legend(frameon=False, fontsize=9, ncols=3, loc="outside lower center")
    elif axes.lines:
        # Beside the title, where it can hide no data.
        axes.legend(
            frameon=False,
            fontsize=9,
            ncols=3,
            loc="lower right",
            bbox_to_anchor=(1.01, 0.99),
            borderaxespad=0.2,
            columnspacing=1.4,
        )
    else:
        axes.text(0.5, 0.5, "nothing was recorded", ha="center", va="center", color=GREY,
                  transform=axes.transAxes)  # fmt: skip
    return png_of(figure)


def png_of(figure: Figure) -> bytes:
    """The figure as PNG; a letter that the font lacks is a box."""
    return picture_of(figure, "png")


def picture_of(figure: Figure, form: str) -> bytes:
    """The same in one of `FORMATS`."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    stream = io.BytesIO()
    with warnings.catch_warnings(), rc_context({"svg.hashsalt": "rnnexp"}):
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure.savefig(stream, format=form, metadata={FORMATS[form]: None})
    return stream.getvalue()
