"""The watched metric against each setting that differs: a dot a run, the mean as a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rnnexp.reports.page.blocks import Block, Section
from rnnexp.reports.page.charts import Chart, Point, Series
from rnnexp.reports.page.numbers import figure
from rnnexp.reports.page.scales import drawable, spans_powers
from rnnexp.reports.page.story import Story
from rnnexp.reports.page.wording import cut, number, setting_text

__all__ = ["swept"]

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
