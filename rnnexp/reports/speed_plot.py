"""How many times as long others take for a step: a dot for each shape, a mark for the mean.

Takes what `rnnexp.benching` found, as in its JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnnexp.reports.drawing import INK, PALETTE, new_figure, picture_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["speed_plot"]

MARKS = "osD^v"
ROW = 0.55
"""inches"""
TICKS = (0.001, 0.01, 0.1, 0.2, 0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 10, 20, 50, 100, 1000)
NARROWEST = (0.7, 1.5)
"""the axis goes at least from here to there, so that noise looks as small as it is"""
NAMES = {"kept": "torch, freed memory kept"}
Line = tuple[str, int]


def speed_plot(found: Mapping[str, Any], form: str) -> bytes:
    """The ratios by cell and number of threads, on a logarithmic axis; 1 is as fast as we are.

    form: png, svg or pdf.
    """
    rows, averages = found["rows"], found["means"]
    lines = list(dict.fromkeys(map(_line, rows)))
    names = list(dict.fromkeys(mean["contender"] for mean in averages))
    size = (7.2, 1.9 + ROW * len(lines))
    figure, axes = new_figure(
        "A training step, against rnnexp", "times as long as rnnexp takes", "", size
    )
    for number, name in enumerate(names):
        at = {line: y + 0.16 * (number - (len(names) - 1) / 2) for y, line in enumerate(lines)}
        colour, mark = PALETTE[number % len(PALETTE)], MARKS[number % len(MARKS)]
        _draw_dots(axes, rows, name, at, colour)
        own = [mean for mean in averages if mean["contender"] == name]
        across, up = [mean["ratio"] for mean in own], [at[_line(mean)] for mean in own]
        axes.plot(across, up, mark, color=colour, markersize=7, label=NAMES.get(name, name))
    _dress(axes, lines)
    figure.legend(frameon=False, fontsize=9, ncols=len(names) or 1, loc="outside lower center")
    return picture_of(figure, form)


def _line(record: Mapping[str, Any]) -> Line:
    return record["cell"], record["threads"]


def _draw_dots(
    axes: Axes, rows: Sequence[Any], name: str, at: Mapping[Line, float], colour: str
) -> None:
    own = [row for row in rows if name in row["ratios"]]
    across, up = [row["ratios"][name] for row in own], [at[_line(row)] for row in own]
    axes.plot(across, up, ".", color=colour, alpha=0.45, markersize=5)


def _dress(axes: Axes, lines: Sequence[Line]) -> None:
    """Names of the lines, the first on top, and the line of equality."""
    names = [f"{cell}, {threads} thread{'s' if threads > 1 else ''}" for cell, threads in lines]
    axes.set_yticks(range(len(lines)), names)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.axvline(1, color=INK, linewidth=1)
    axes.set_xscale("log")
    ends = zip((min, max), axes.get_xlim(), NARROWEST, strict=True)
    low, high = (pick(found, least) for pick, found, least in ends)
    seen = [tick for tick in TICKS if low <= tick <= high]
    axes.set_xticks(seen, [f"{tick:g}" for tick in seen])
    axes.minorticks_off()
    axes.set_xlim(low, high)
