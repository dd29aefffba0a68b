"""The pictures of the gradient's way back through time, of one network or several.

Each takes what `rnnexp.diagnosis.document.diagnose` found, under the label of its network.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnnexp.reports.drawing import (
    FORMS,
    GREY,
    INK,
    PALETTE,
    as_png,
    draw_line,
    make_logarithmic,
    new_figure,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["contributions_plot", "jacobian_plot", "singular_values_plot"]

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
