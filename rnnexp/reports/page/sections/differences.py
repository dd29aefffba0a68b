"""Every setting held against one of them, seed by seed."""

from __future__ import annotations

from collections.abc import Iterator

from rnnexp.config.metrics import larger_is_better
from rnnexp.reports.page.blocks import Block, Column, Paragraph, Section
from rnnexp.reports.page.metrics import headline
from rnnexp.reports.page.story import Arm, Story
from rnnexp.reports.page.tables import long_table
from rnnexp.reports.page.wording import cut, number
from rnnexp.reports.statistics import Difference

__all__ = ["differences"]


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
