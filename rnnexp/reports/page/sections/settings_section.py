"""The watched metric against each setting that differs: a dot a run, the mean as a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rnnexp.errors import RnnexpError
from rnnexp.reports.page.blocks import (
    Block,
    Code,
    Column,
    Fold,
    Paragraph,
    Section,
    figure,
    long_table,
)
from rnnexp.reports.page.story import Arm, RunFiles, Story, headline
from rnnexp.reports.page.svg_charts import Chart, Point, Series, drawable, spans_powers
from rnnexp.reports.page.wording import cut, listed, number, setting_text
from rnnexp.reports.settings_compared import chosen_settings
from rnnexp.reports.statistics import Difference
from rnnexp.training.monitor import larger_is_better

__all__ = ["differences", "settings", "swept"]


# What the runs differ in, and the whole configuration.


def settings(story: Story) -> Section | None:
    blocks = [*_differing(story), *_whole(story)]
    return Section("Settings", blocks) if blocks else None


def _differing(story: Story) -> Iterator[Block]:
    keys = story.comparison.keys
    if not keys:
        yield from _chosen(story.closely)
        return
    columns = [*(Column(key) for key in keys), Column("seeds")]
    rows = [
        [
            *(cut(setting_text(arm.group.settings_that_differ.get(key))) for key in keys),
            listed([str(row.seed) for row in arm.rows], 12),
        ]
        for arm in story.arms
    ]
    yield from long_table("What differs; all else is the same", columns, rows, "setting")
    older = sum(len(arm.group.superseded) for arm in story.arms)
    if older:
        yield Paragraph(
            f"Of runs with the same settings and seed the newest counts: {older} older left out.",
            "note",
        )


def _chosen(run: RunFiles) -> list[Block]:
    """What was chosen, rather than left as it is by default."""
    try:
        chosen = chosen_settings(run.path)
    except RnnexpError:
        return []
    rows = [[key, cut(setting_text(value))] for key, value in chosen.items() if key != "name"]
    columns = [Column("setting"), Column("value")]
    return long_table("What is not as it is by default", columns, rows, "setting") if rows else []


def _whole(story: Story) -> Iterator[Block]:
    resolved = story.closely.text("resolved.yaml")
    if resolved:
        whose = f" of {cut(story.arms[0].label)}" if story.comparison.keys else ""
        yield Fold(f"The whole configuration{whose}, defaults included", [Code(resolved)])


# Every setting held against one of them, seed by seed.


def differences(story: Story) -> Section | None:
    if len(story.comparison.groups) < 2:
        return None
    return Section(f"Differences from {cut(story.baseline.label)}", list(_blocks(story)))


def _blocks(story: Story) -> Iterator[Block]:
    metrics = (story.comparison.monitor, headline(story.comparison.rows()))
    for metric in dict.fromkeys(filter(None, metrics)):
        columns = [
            Column("setting", wide=True),
            Column("n", True),
            Column(f"difference in {metric}", True),
        ]
        columns += [Column("95 % from", True), Column("to", True), Column("", wide=True)]
        rows = [_row(story, arm, metric) for arm in story.arms if arm is not story.baseline]
        yield from long_table(f"{metric}, paired by seed", columns, rows, "setting")
    yield Paragraph(
        "A difference is that of the same seed under two settings, so that what a seed does to both"
        " cancels out. Where the interval holds 0, the two are not distinguishable. Intervals are"
        " not widened for the number of comparisons: of twenty alike, one looks different.",
        "note",
    )


def _row(story: Story, arm: Arm, metric: str) -> list[str]:
    found = arm.group.against(story.baseline.group, metric)
    if found is None:
        return [cut(arm.label), "0", "–", "–", "–", "no seed in common"]
    larger = story.comparison.larger if metric == story.comparison.monitor else (
        larger_is_better(metric)
    )  # fmt: skip
    values = map(number, (found.mean, found.low, found.high))
    return [cut(arm.label), str(found.n), *values, _verdict(found, larger)]


def _verdict(found: Difference, larger: bool) -> str:
    if not found.distinguishable:
        return f"not distinguishable at n\u00a0=\u00a0{found.n}"
    return "better" if (found.mean > 0) == larger else "worse"


# The watched metric against each setting that differs: a dot a run, the mean as a line.

MOST_VALUES = 40
LOGARITHMIC = 10
"""settings that span such a factor are drawn on a logarithmic axis"""


def swept(story: Story) -> Section | None:
    blocks = [block for key in story.comparison.keys for block in _of_key(story, key)]
    return Section("Influence of the settings", blocks) if blocks else None


def _of_key(story: Story, key: str) -> Iterator[Block]:
    monitor = story.comparison.monitor or ""
    values = _values(story, key, monitor)
    if not 1 < len(values) <= MOST_VALUES:
        return
    numeric = _numeric(values)
    chart = _on_numbers(numeric, key, monitor) if numeric else _on_names(values, key, monitor)
    if spans_powers(score for _, scores in values.values() for score in scores):
        chart = replace(chart, log_y=True, up=f"{monitor} (log axis)")
    if chart.is_empty:
        return
    pooled = ", over all other settings" if len(story.comparison.keys) > 1 else ""
    yield figure(chart, f"{monitor} against {key}{pooled}. Dots are single runs, lines their mean.")


def _values(story: Story, key: str, metric: str) -> dict[str, tuple[object, list[float]]]:
    """By the text of a setting: the setting, and the metric of every run that has it."""
    found: dict[str, tuple[object, list[float]]] = {}
    for arm in story.arms:
        setting = arm.group.settings_that_differ.get(key)
        scores = [row.metrics[metric] for row in arm.rows if metric in row.metrics]
        found.setdefault(setting_text(setting), (setting, []))[1].extend(
            score for score in scores if drawable(score)
        )
    return {name: each for name, each in found.items() if each[1]}


def _numeric(values: Mapping[str, tuple[object, list[float]]]) -> list[tuple[float, list[float]]]:
    """The settings as numbers in their order; empty where one is not a number."""
    known = []
    for setting, scores in values.values():
        if isinstance(setting, bool) or not isinstance(setting, int | float):
            return []
        known.append((float(setting), scores))
    return sorted(known)


def _on_numbers(values: Sequence[tuple[float, list[float]]], key: str, metric: str) -> Chart:
    places = [value for value, _ in values]
    wide = places[0] > 0 and places[-1] / places[0] >= LOGARITHMIC
    mean = Series("mean", [(x, sum(s) / len(s)) for x, s in values], 1)
    ticks = places if len(places) <= 8 else ()
    across = f"{key} (log axis)" if wide else key
    return Chart(f"{metric} against {key}", _described(mean.points, places), across, metric,
                 [_dots(values), mean], log_x=wide, ticks=ticks)  # fmt: skip


def _on_names(values: Mapping[str, tuple[object, list[float]]], key: str, metric: str) -> Chart:
    placed = [(float(n), scores) for n, (_, scores) in enumerate(values.values())]
    means = [(x, sum(s) / len(s)) for x, s in placed]
    names = [cut(name, 40) for name in values]
    return Chart(f"{metric} against {key}", _described(means, names), key, metric,
                 [_dots(placed), Series("mean", means, 1, "levels")], categories=names)  # fmt: skip


def _dots(values: Sequence[tuple[float, list[float]]]) -> Series:
    return Series("one run", [(x, score) for x, scores in values for score in scores], 0, "dots")


def _described(means: Sequence[Point], names: Sequence[object]) -> str:
    parts = [f"{name}: {number(mean)}" for name, (_, mean) in zip(names, means, strict=True)]
    return "means: " + ", ".join(parts[:12])
