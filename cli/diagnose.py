"""`rnnexp diagnose CONFIG or RUN ...`: the gradient's way back through time."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from rnnexp.errors import CommandError

from .help import DebugOption, JsonOption, RunsOption, SetOption
from .render import print_json
from .tables import Cell, Column, fact_lines, table
from .terminal import number, print_text, safe, style, width_of

if TYPE_CHECKING:
    from .subject import Subject

__all__ = ["diagnose"]


# A diagnosis for people: the verdict first, then what it rests on.

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
    from .compare_manual import lag_table

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


# `rnnexp diagnose CONFIG or RUN ...`: the gradient's way back through time.


def diagnose(
    subjects: Annotated[
        list[str],
        typer.Argument(
            metavar="CONFIG_OR_RUN ... [a.b=c ...]",
            help="YAML files, at their initial weights, or runs, at their best; then overrides.",
            show_default=False,
        ),
    ],
    set_: SetOption = None,
    sequences: Annotated[
        int,
        typer.Option("--sequences", min=1, max=256, metavar="N", help="Sequences to measure on."),
    ] = 8,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write the pictures and the numbers there too."),
    ] = None,
    retrain: Annotated[
        bool,
        typer.Option("--retrain", help="Train afresh, briefly, on ordered and on shuffled steps."),
    ] = False,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Measure where the gradient goes on its way back through time.

    The norm of ds_t/ds_k by lag for every layer, its half-life beside what the target needs,
    singular values, gates, which lags the gradient comes from, what clipping and truncation do to
    it, and whether the order of the steps matters; then a verdict and one change to try. Several
    runs are shown side by side. Pictures go into the plots/ of a single run, or to --out.

    Example:
      rnnexp diagnose configs/long_range/temporal_order_lstm.yaml
      rnnexp diagnose latest
      rnnexp diagnose 20261124-0801 20261124-0812 --out comparison
    """
    names = [each for each in subjects if "=" not in each and not each.startswith("~")]
    overrides = [each for each in subjects if each not in names] + list(set_ or ())
    if not names:
        raise CommandError("nothing to diagnose: no CONFIG or RUN is given", code="CMD103")
    if out is not None:
        from rnnexp import storage

        storage.ensure_folder(out)  # before the work, so that a bad place costs none
    stream = sys.stderr if json else sys.stdout
    networks = _measured(names, overrides, runs, sequences, retrain, out)
    if len(networks) == 1:
        ((name, found),) = networks.items()
        print_text(diagnosis_text(name, found, stream), stream)
    else:
        print_text(side_by_side_text(networks, stream), stream)
    if out is not None:
        print_text(f"\npictures and numbers in {safe(str(out))}", stream)
    if json:
        print_json({"networks": [{"subject": name} | dict(f) for name, f in networks.items()]})


def _measured(
    names: Sequence[str],
    overrides: Sequence[str],
    runs: Path | None,
    sequences: int,
    retrain: bool,
    out: Path | None,
) -> dict[str, dict[str, Any]]:
    """What was found, by the name of each network; kept where there is a place for it."""
    from rnnexp.gradients.diagnosis import diagnose as measure
    from rnnexp.reading import read_records

    from .subject import load_subject

    networks: dict[str, dict[str, Any]] = {}
    loaded = [load_subject(name, overrides, runs) for name in names]
    labels = _labels(loaded)
    for label, subject in zip(labels, loaded, strict=True):
        records = None if subject.run is None else read_records(subject.run / "metrics.jsonl")
        found = measure(subject.experiment, records, sequences, retrain)
        networks[label] = {"weights": subject.weights} | found
    if out is not None:
        _write(out, networks)
    if len(loaded) == 1 and loaded[0].run is not None and not overrides:
        _keep(loaded[0], networks)
    return networks


def _labels(loaded: Sequence[Subject]) -> list[str]:
    """The experiments' names where they tell the networks apart, else the runs' own, numbered."""
    short = [subject.experiment.config.experiment.name for subject in loaded]
    if len(set(short)) == len(short) > 1:
        return short
    names = [subject.name for subject in loaded]
    return [
        f"{name} ({names[: index + 1].count(name)})" if names.count(name) > 1 else name
        for index, name in enumerate(names)
    ]


def _pictures(networks: Mapping[str, Any]) -> dict[str, bytes]:
    from rnnexp.reports import more_plots

    return {
        "jacobian.png": more_plots.jacobian_plot(networks),
        "contributions.png": more_plots.contributions_plot(networks),
        "singular_values.png": more_plots.singular_values_plot(networks),
    }


def _write(folder: Path, networks: Mapping[str, Any]) -> None:
    from rnnexp import storage

    for name, picture in _pictures(networks).items():
        storage.write_bytes(folder / name, picture)
    storage.write_json(folder / "diagnosis.json", networks)


def _keep(subject: Subject, networks: Mapping[str, Any]) -> None:
    from rnnexp.recording.run_folder import RunFolder

    assert subject.run is not None
    run = RunFolder.open(subject.run)
    for name, picture in _pictures(networks).items():
        run.write_bytes(f"plots/{name}", picture)
    run.write_json("diagnosis.json", next(iter(networks.values())))
