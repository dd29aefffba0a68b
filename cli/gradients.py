"""A diagnosis for people: the verdict first, then what it rests on."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import IO, Any

from .table import Cell, Column, fact_lines, table
from .text import number, safe, style, width_of

__all__ = ["diagnosis_text", "side_by_side_text"]

Json = Mapping[str, Any]

LAGS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
COLOURS = {"healthy": "green", "unclipped": "yellow", "truncated": "yellow"}
NEEDS_RUN = "needs a run: rnnexp train CONFIG, then rnnexp diagnose latest"


def diagnosis_text(name: str, found: Json, stream: IO[str]) -> str:
    """One network, whole."""
    parts = [
        _verdict(name, found, stream),
        _curves(found, stream),
        _chart({each["layer"]: each for each in found["layers"]}, found["k2"], stream),
        _contributions(found, stream),
        _facts(found, stream),
    ]
    return "\n\n".join(part for part in parts if part)


def side_by_side_text(networks: Mapping[str, Json], stream: IO[str]) -> str:
    """A row a network, and all curves over one pair of axes."""
    columns = [
        Column("network"),
        Column("verdict"),
        Column("half-life", right=True),
        Column("left at need", right=True),
        Column("clipped", right=True, goes=1),
        Column("k2", right=True, goes=2),
        Column("order", right=True, goes=3),
    ]
    rows = [_row(name, found) for name, found in networks.items()]
    tops = {name: _top(found) for name, found in networks.items()}
    needs = sorted({found["needed"] for found in networks.values()})
    note = f"half-life in steps; the target needs {', '.join(map(str, needs))}"
    return f"{table(columns, rows, stream)}\n{note}\n\n{_chart(tops, None, stream)}"


def _row(name: str, found: Json) -> list[Cell]:
    word, clipping, top = found["verdict"]["word"], found["clipping"], _top(found)
    share = None if clipping is None else clipping["share"]
    order = found["order"]["model"]
    cut = found["k2"] is not None and found["needed"] >= found["k2"]
    return [
        safe(name),
        (word, COLOURS.get(word, "red")),
        _half_life(top, found),
        "0" if cut else f"{_at(top, found['needed']):.2g}",
        "" if clipping is None else "never" if share is None else f"{share:.0%}",
        "" if found["k2"] is None else str(found["k2"]),
        "" if order is None else _change(order),
    ]


def _top(found: Json) -> Json:
    top: Json = [layer for layer in found["layers"] if layer["forward"]][-1]
    return top


def _at(layer: Json, lag: int) -> float:
    mean = layer["jacobian"]["spectral"]["mean"]
    return float(mean[min(lag, len(mean) - 1)])


def _verdict(name: str, found: Json, stream: IO[str]) -> str:
    verdict, remedy = found["verdict"], found["remedy"]
    word = style(verdict["word"], COLOURS.get(verdict["word"], "red"), stream)
    lines = [f"{word}: {verdict['reason']}", f"  {verdict['evidence']}"]
    if remedy is not None:
        overrides = " ".join(map(shlex.quote, remedy["overrides"]))
        command = f"rnnexp train {shlex.quote(remedy['config'])} {overrides}"
        lines += [f"  try {remedy['text']}: {safe(command)}"]
    facts = {
        "network": f"{safe(name)}, {found['weights']}",
        "measured": f"{found['sequences']} validation sequences of up to"
        f" {found['time_steps']} steps",
    }
    return fact_lines(facts, stream) + "\n\n" + "\n".join(lines)


def _curves(found: Json, stream: IO[str]) -> str:
    """||ds_t/ds_k|| at some lags, for every layer."""
    longest = max(len(layer["jacobian"]["spectral"]["mean"]) - 1 for layer in found["layers"])
    lags = [lag for lag in LAGS if lag < longest] + [longest]
    columns = [Column("lag t-k"), *(Column(str(lag), right=True) for lag in lags)]
    columns += [Column("half-life", right=True), Column("radius", right=True, goes=1)]
    rows: list[list[Cell]] = []
    for layer in found["layers"]:
        norms = [
            "0" if found["k2"] is not None and lag >= found["k2"] else f"{_at(layer, lag):.2g}"
            for lag in lags
        ]
        radius = max(matrix["spectral_radius"] for matrix in layer["matrices"])
        rows.append([layer["layer"], *norms, _half_life(layer, found), f"{radius:.3g}"])
    title = style("how much gradient is left: spectral norm of ds_t/ds_k", "bold", stream)
    return f"{title}\n{table(columns, rows, stream)}\n{_memory(found)}"


def _half_life(layer: Json, found: Json) -> str:
    half = layer["half_life"]
    if found["k2"] is not None and (half is None or half > found["k2"]):
        return str(found["k2"])
    return f"> {found['time_steps']}" if half is None else str(half)


def _memory(found: Json) -> str:
    halves = [_half_life(layer, found) for layer in found["layers"] if layer["forward"]]
    longest = max(halves, key=lambda half: float(half.removeprefix("> ")))
    if found["reach"] is None:
        return f"half-life {longest} steps; the sequences have {found['time_steps']}"
    return f"half-life {longest} steps; the target needs {found['reach']}"


def _chart(layers: Mapping[str, Json], cut: int | None, stream: IO[str]) -> str:
    from rnnexp.reports.curves import Curve, draw

    curves = []
    for name, layer in layers.items():
        mean = layer["jacobian"]["spectral"]["mean"]
        stop = len(mean) if cut is None else cut
        points = [(float(lag), value) for lag, value in enumerate(mean[:stop]) if 0 < value < 1e300]
        curves.append(Curve(safe(name), tuple(points)))
    width = min(width_of(stream) or 80, 80)
    return draw(curves, width, height=10 if width >= 40 else 6, across="lag")


def _contributions(found: Json, stream: IO[str]) -> str:
    from .equations import lag_table

    shares = {
        f"{layer['layer']} {layer['recurrent']}": layer["contributions"]
        for layer in found["layers"]
    }
    shown = lag_table(shares, stream)
    if found["k2"] is None:
        return shown
    return f"{shown}\nof full BPTT; truncation keeps lags below k2 = {found['k2']}"


def _facts(found: Json, stream: IO[str]) -> str:
    facts = {}
    for layer in found["layers"]:
        for matrix in layer["matrices"]:
            values = matrix["singular_values"]
            facts[f"{layer['layer']} {matrix['symbol']}"] = (
                f"spectral radius {matrix['spectral_radius']:.3g}, singular values"
                f" {values[0]:.3g} to {values[-1]:.2g}"
            )
        for gate in layer["gates"]:
            facts[f"{layer['layer']} {gate['name']}"] = (
                f"open {gate['mean']:.2f} on average, below 0.1 in {gate['closed']:.0%},"
                f" above 0.9 in {gate['opened']:.0%}"
            )
        facts |= _units(layer)
    facts["clipping"] = _clipping(found)
    facts["truncation"] = _truncation(found["truncation"])
    facts["order"] = _order(found["order"]["model"], found["trained"])
    facts["order of the data"] = _data_order(found["order"]["data"])
    return fact_lines(facts, stream)


def _units(layer: Json) -> dict[str, str]:
    units, facts = layer["units"], {}
    if units["saturated"] is not None:
        facts[f"{layer['layer']} units"] = f"{units['saturated']:.0%} saturated, |h| above 0.95"
    if units["dead"] is not None:
        facts[f"{layer['layer']} units"] = f"{units['dead']:.0%} never switched on"
    return facts


def _clipping(found: Json) -> str:
    clipping = found["clipping"]
    if clipping is None:
        return NEEDS_RUN
    norms = (
        f"gradient norm {clipping['mean_norm']:.3g} on average, {clipping['largest_norm']:.3g} at"
        f" most, over {number(clipping['updates'])} steps"
    )
    if clipping["share"] is None:
        return f"none; {norms}"
    excess = clipping["excess"]
    times = "" if excess is None else f", up to {excess:.3g} times the limit"
    return f"{clipping['share']:.0%} of the steps clipped{times}; {norms}"


def _truncation(biases: Sequence[Json] | None) -> str:
    if biases is None:
        return ""
    return "; ".join(
        f"{bias['place']}: cosine {bias['cosine']:.3f}, {bias['norm_ratio']:.3f} of the length"
        for bias in biases
    )


def _order(order: Json | None, trained: bool) -> str:
    if order is None:
        return "" if trained else NEEDS_RUN
    verdict = "order matters" if order["matters"] else "order does not matter to this network"
    return f"{verdict}: {_metric(order, 'in order')}"


def _data_order(order: Json | None) -> str:
    if order is None:
        return ""
    verdict = "the data have an order" if order["matters"] else "the data show no order"
    trained = f"trained afresh for {number(order['steps'])} steps in order"
    return f"{verdict}: {_metric(order, trained)}"


def _metric(order: Json, how: str) -> str:
    return f"val/{order['metric']} {_change(order)}, {how} -> shuffled"


def _change(order: Json) -> str:
    if order["metric"] == "accuracy":
        return f"{order['ordered']:.1%} -> {order['shuffled']:.1%}"
    return f"{order['ordered']:.4g} -> {order['shuffled']:.4g}"
