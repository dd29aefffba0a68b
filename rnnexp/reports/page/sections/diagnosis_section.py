"""The gradient's way back through time, where `rnnexp diagnose` has measured it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rnnexp.reports.page.blocks import Block, Column, Paragraph, Section, Table, figure
from rnnexp.reports.page.story import Story, as_number, numbers_in, objects_in
from rnnexp.reports.page.svg_charts import LOOKS, Chart, Rule, Series
from rnnexp.reports.page.wording import cut, number, percent

__all__ = ["diagnosis"]

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Reader:
    """One layer of a network that was measured. k2: where truncation cuts, None if nowhere."""

    label: str
    layer: Json
    k2: int | None

    def lags(self, values: Any) -> list[tuple[float, float]]:
        """Values by lag, as far as gradient is sent back."""
        return [(float(lag), value) for lag, value in enumerate(numbers_in(values)[: self.k2])]


def diagnosis(story: Story) -> Section | None:
    found = dict(_found(story))
    if not found:
        return None
    readers = list(_readers(found))
    blocks: list[Block] = [Paragraph(_verdict(what)) for label, what in found.items() if not label]
    blocks += _jacobians(found, readers)
    blocks += _contributions(found, readers)
    return Section("Gradient through time", [*blocks, _table(found, readers)])


def _found(story: Story) -> Iterator[tuple[str, Json]]:
    count = 0
    for arm in story.arms:
        for row in arm.rows:
            what = story.files(row).diagnosis
            if objects_in(what.get("layers")) and (count := count + 1) <= LOOKS:
                seed = f", seed {row.seed}" if len(arm.rows) > 1 else ""
                yield (f"{arm.label}{seed}" if story.several else ""), what


def _readers(found: Mapping[str, Json]) -> Iterator[Reader]:
    """Every layer of one network; of several the top layers."""
    for label, what in found.items():
        k2 = what.get("k2") if isinstance(what.get("k2"), int) else None
        layers = objects_in(what["layers"])
        if label:
            yield Reader(label, layers[-1], k2)
            continue
        yield from (Reader(cut(str(layer.get("layer"))), layer, k2) for layer in layers)


def _verdict(what: Json) -> str:
    """In sentences, of a single network."""
    verdict, remedy = _part(what, "verdict"), _part(what, "remedy")
    word, why, evidence = (cut(str(verdict.get(k)), 200) for k in ("word", "reason", "evidence"))
    text = f"{word[:1].upper()}{word[1:]}: {why} ({evidence})."
    if remedy:
        text += f" To try: {cut(str(remedy.get('text')), 200)}."
    return text + _order(what)


def _order(what: Json) -> str:
    model = _part(_part(what, "order"), "model")
    ordered, shuffled = as_number(model.get("ordered")), as_number(model.get("shuffled"))
    if ordered is None or shuffled is None:
        return ""
    return (
        f" With the time steps shuffled, {cut(str(model.get('metric')), 30)} goes from"
        f" {number(ordered)} to {number(shuffled)}."
    )


def _jacobians(found: Mapping[str, Json], readers: list[Reader]) -> Iterator[Block]:
    lines = []
    for look, reader in enumerate(readers[:LOOKS]):
        spectral = _part(_part(reader.layer, "jacobian"), "spectral")
        mean, low, high = (reader.lags(spectral.get(name)) for name in ("mean", "low", "high"))
        band = [(lag, a, b) for (lag, a), (_, b) in zip(low, high, strict=False)]
        lines.append(Series(reader.label, mean, look, band=band))
    chart = Chart(
        "How much gradient is left, by steps back",
        "; ".join(_left(line) for line in lines),
        "lag t − k (steps)",
        "norm of ∂sₜ/∂sₖ (log axis)",
        lines,
        _rules(found),
        log_y=True,
    )
    if not chart.is_empty:
        yield figure(
            chart,
            "Spectral norm of the Jacobian of the state by lag: mean over sequences, bands from the"
            " smallest to the largest. Where a line ends, truncation cuts or nothing is left.",
        )


def _contributions(found: Mapping[str, Json], readers: list[Reader]) -> Iterator[Block]:
    lines = []
    for look, reader in enumerate(readers[:LOOKS]):
        parts = objects_in(reader.layer.get("contributions"))
        norms = reader.lags([each.get("norm") for each in parts])
        largest = max((norm for _, norm in norms), default=0.0) or 1.0
        shares = [(lag, norm / largest) for lag, norm in norms if norm > 0]
        lines.append(Series(reader.label, shares, look))
    chart = Chart(
        "Where the recurrent gradient comes from",
        "; ".join(_left(line) for line in lines),
        "lag t − k (steps)",
        "norm of the lag's term / largest (log axis)",
        lines,
        _rules(found),
        log_y=True,
    )
    if not chart.is_empty:
        yield figure(chart, "Share of each lag in the gradient of the recurrent matrix.")


def _left(line: Series) -> str:
    if not line.points:
        return f"{line.label}: nothing"
    lag, value = line.points[-1]
    return f"{line.label}: {number(value)} at lag {number(lag)}"


def _rules(found: Mapping[str, Json]) -> list[Rule]:
    needed = {what.get("reach") for what in found.values()}
    return [
        Rule(float(reach), f"needed: {reach}", upright=True)
        for reach in needed
        if isinstance(reach, int) and not isinstance(reach, bool)
    ]


def _table(found: Mapping[str, Json], readers: list[Reader]) -> Table:
    several = "" not in found
    columns = [Column("network" if several else "layer", wide=several), Column("half-life", True)]
    columns += [Column("spectral radius", True), Column("saturated", True)]
    rows = [_row(reader) for reader in readers]
    if several:
        columns.insert(1, Column("verdict"))
        for row, what in zip(rows, found.values(), strict=True):
            row.insert(1, cut(str(_part(what, "verdict").get("word")), 20))
    return Table(
        "Steps until half of the gradient is gone, largest spectral radius of the recurrent"
        " matrices, share of saturated units",
        columns,
        rows,
    )


def _row(reader: Reader) -> list[str]:
    half = as_number(reader.layer.get("half_life"))
    radii = [as_number(each.get("spectral_radius")) for each in
             objects_in(reader.layer.get("matrices"))]  # fmt: skip
    known = [radius for radius in radii if radius is not None]
    flat = as_number(_part(reader.layer, "units").get("saturated"))
    return [
        cut(reader.label),
        "never" if half is None else f"{half:.0f}",
        number(max(known, default=None)),
        "–" if flat is None else percent(flat),
    ]


def _part(what: Json, name: str) -> Json:
    found = what.get(name)
    return found if isinstance(found, Mapping) else {}
