"""How many times as long others take for a step: a dot for each shape, a mark for the mean."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.reports.drawing import (
    FORMS,
    GREY,
    INK,
    ORANGE,
    PALETTE,
    as_png,
    draw_line,
    make_logarithmic,
    new_figure,
    picture_of,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "continuation_plot",
    "contributions_plot",
    "jacobian_plot",
    "singular_values_plot",
    "speed_plot",
]


# The pictures of the gradient's way back through time, of one network or several.
#
# Each takes what `rnnexp.diagnosis.document.diagnose` found, under the label of its network.

Found = Mapping[str, Any]


def jacobian_plot(networks: Mapping[str, Found]) -> bytes:
    """Spectral norm of ds_T/ds_k by lag T - k, log axis: mean, and the range over sequences.

    Of one LSTM, whose state is (h, c), the norm of dh_T/dh_k is drawn beside it.

    From lag k2 on truncated backpropagation sends nothing back: there the line ends.
    """
    title = "How much gradient is left, by steps back"
    figure, axes = new_figure(title, "lag t - k (time steps)", "spectral norm of ds_t / ds_k")
    for (label, found, layer), colour, form in _styled(networks):
        spread, cut = layer["jacobian"]["spectral"], found["k2"]
        stop = len(spread["mean"]) if cut is None else min(cut, len(spread["mean"]))
        lags = list(map(float, range(stop)))
        mean, low, high = (_shown(spread[name][:stop]) for name in ("mean", "low", "high"))
        axes.fill_between(lags, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(lags, mean, form, color=colour, linewidth=1.8, label=plain(label))
        if len(networks) == 1 and "h_spectral" in layer["jacobian"]:
            alone = _shown(layer["jacobian"]["h_spectral"]["mean"][:stop])
            axes.plot(
                lags, alone, ":", color=colour, linewidth=1.2, label=f"{plain(label)}, h alone"
            )
        if cut is not None and cut < len(spread["mean"]):
            axes.plot(lags[-1:], mean[-1:], "|", color=colour, markersize=16, markeredgewidth=2.5)
            axes.annotate(f"cut at k2 = {cut}", (lags[-1], mean[-1]), (6, -14), fontsize=8,
                          textcoords="offset points", color=colour)  # fmt: skip
    make_logarithmic(axes)
    bottom, top = axes.get_ylim()
    axes.set_ylim(min(bottom, 0.1), max(top, 10.0))
    _mark_needed(axes, networks)
    return as_png(figure, axes)


def contributions_plot(networks: Mapping[str, Found]) -> bytes:
    """Norm of each lag's share of the recurrent matrix's gradient, relative to the largest."""
    title = "Where the recurrent gradient comes from"
    figure, axes = new_figure(title, "lag t - k (time steps)", "norm of the lag's term / largest")
    for (label, found, layer), colour, form in _styled(networks):
        norms = [each["norm"] for each in layer["contributions"]]
        stop = len(norms) if found["k2"] is None else min(found["k2"], len(norms))
        largest = max(norms) or 1.0
        series = list(map(float, range(stop))), _shown([n / largest for n in norms[:stop]])
        axes.plot(*series, form, color=colour, linewidth=1.8, label=plain(label))
    make_logarithmic(axes)
    _mark_needed(axes, networks)
    return as_png(figure, axes)


def singular_values_plot(networks: Mapping[str, Found]) -> bytes:
    """Singular values of each recurrent block, largest first; 1 neither grows nor shrinks."""
    figure, axes = new_figure("Singular values of the recurrent matrix", "number", "value")
    for (label, _, layer), colour, _ in _styled(networks):
        for matrix, form in zip(layer["matrices"], FORMS, strict=False):
            values = list(matrix["singular_values"])
            numbers = [float(position) for position in range(1, len(values) + 1)]
            draw_line(axes, (numbers, values), f"{label} {matrix['symbol']}", colour, form)
    axes.axhline(1.0, color=GREY, linewidth=0.8, zorder=0)
    axes.set_ylim(bottom=0)
    return as_png(figure, axes)


def _styled(networks: Mapping[str, Found]) -> Iterator[tuple[tuple[str, Found, Found], str, str]]:
    rows = list(_rows(networks))
    for number, row in enumerate(rows):
        yield row, PALETTE[number % len(PALETTE)], FORMS[number % len(FORMS)]


def _rows(networks: Mapping[str, Found]) -> Iterator[tuple[str, Found, Found]]:
    """Label, network and layer of every line: of several networks only their top layers."""
    for name, found in networks.items():
        layers: Sequence[Found] = found["layers"]
        if len(networks) > 1:
            top = [layer for layer in layers if layer["forward"]][-1]
            yield name, found, top
        else:
            for layer in layers:
                yield layer["layer"], found, layer


def _shown(values: Sequence[float]) -> list[float]:
    """Neither zero nor infinity has a place on a logarithmic axis: the line ends there."""
    return [value if 0 < value < math.inf else math.nan for value in values]


def _mark_needed(axes: Axes, networks: Mapping[str, Found]) -> None:
    """The steps that each target needs, where its task tells; with names where they differ."""
    needing: dict[int, list[str]] = {}
    for label, found in networks.items():
        if found["reach"] is not None:
            needing.setdefault(found["reach"], []).append(label)
    for reach, labels in needing.items():
        several = f" ({labels[0]})" if len(labels) == 1 < len(networks) else ""
        axes.axvline(reach, color=INK, linewidth=1, linestyle=(0, (2, 3)))
        left = reach > sum(axes.get_xlim()) / 2
        axes.annotate(
            plain(f"the target needs {reach}{several}"),
            (reach, 0.99),
            (-4 if left else 4, 0),
            ha="right" if left else "left",
            va="top",
            fontsize=8,
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color=INK,
        )


# The picture of a forecast: the last rows, what follows them, and how far off it may be.

HISTORY = 4
"""so many rows are drawn for each one forecast"""
LEAST_HISTORY = 50


def continuation_plot(
    names: Sequence[str], values: NDArray[np.float64], records: Sequence[Mapping[str, Any]]
) -> bytes:
    """The first column: rows (S, F) of `values` and the forecasts of `records`, in own units."""
    name, rows = names[0], len(values)
    first = max(0, rows - max(HISTORY * len(records), LEAST_HISTORY))
    figure, axes = new_figure(f"{len(records)} steps ahead: {name}", "row", name)
    before = [float(row) for row in range(first, rows)]
    draw_line(axes, (before, values[first:, 0].tolist()), "history", INK, "-")
    ahead = [float(rows - 1 + record["step"]) for record in records]
    draw_line(axes, (ahead, [r["forecast"][name] for r in records]), "forecast", ORANGE, "--o")
    known = [(step, r) for step, r in zip(ahead, records, strict=True) if r["low"] is not None]
    if known:
        low, high = ([r[side][name] for _, r in known] for side in ("low", "high"))
        steps = [step for step, _ in known]
        axes.fill_between(steps, low, high, color=ORANGE, alpha=0.25, linewidth=0)
    return as_png(figure, axes)


# How many times as long others take for a step: a dot for each shape, a mark for the mean.
#
# Takes what `rnnexp.benching` found, as in its JSON.

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
