"""Every metric with its spread over seeds, beside the naive answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from rnnexp.config.metrics import larger_is_better
from rnnexp.reports.page.blocks import Block, Column, Fold, Paragraph, Section, Table
from rnnexp.reports.page.metrics import headline, words
from rnnexp.reports.page.story import Arm, Story
from rnnexp.reports.page.tables import long_table
from rnnexp.reports.page.wording import cut, number
from rnnexp.reports.runs import RunRow
from rnnexp.reports.statistics import Estimate

__all__ = ["scores"]

STATISTICS = [Column(name, True) for name in ("n", "mean", "sd", "95 % from", "to")]
INTERVALS = (
    "Intervals are Student's t over the seeds, of the mean; sd is the standard deviation of single"
    " runs. Settings are ranked by validation; test was scored once."
)


def scores(story: Story) -> Section | None:
    finished = story.comparison.rows()
    if len(finished) > 1:
        return Section("Scores", list(_grouped(story, finished)))
    row = finished[0] if finished else story.closely.row
    return Section("Scores", [_single(row)]) if row.metrics else None


def _single(row: RunRow) -> Table:
    """A row a metric, a column each for validation, test and the naive answers on test."""
    names = list(dict.fromkeys(metric.partition("/")[2] for metric in row.metrics))
    naive = list(row.baselines)
    columns = [Column("metric"), Column("validation", True), Column("test", True)]
    columns += [Column(words(name), True) for name in naive]
    rows, best = [], set()
    for place, name in enumerate(names):
        test = [row.metrics.get(f"test/{name}")]
        test += [row.baselines[each].get(f"test/{name}") for each in naive]
        rows.append([words(name), *map(number, (row.metrics.get(f"val/{name}"), *test))])
        if (winner := _winner(name, test)) is not None:
            best.add((place, winner + 2))
    caption = "Scores of the best checkpoint; right of test, naive answers to the same test part"
    return Table(caption, columns, rows, frozenset(best))


def _winner(metric: str, values: Sequence[float | None]) -> int | None:
    known = {n: v for n, v in enumerate(values) if v is not None and math.isfinite(v)}
    if len(known) < 2:
        return None
    best = max(known.values()) if larger_is_better(metric) else min(known.values())
    winners = [n for n, value in known.items() if value == best]
    return winners[0] if len(winners) == 1 else None


def _grouped(story: Story, finished: Sequence[RunRow]) -> Iterator[Block]:
    shown = dict.fromkeys(filter(None, (story.comparison.monitor, headline(finished))))
    for metric in shown:
        yield from _of_metric(story, metric)
    yield Paragraph(INTERVALS, "note")
    names = dict.fromkeys(metric for row in finished for metric in row.metrics)
    others = [metric for metric in names if metric not in shown]
    if others:
        yield Fold("All other metrics", [_table(story.arms, metric) for metric in others])


def _of_metric(story: Story, metric: str) -> list[Block]:
    columns = [Column("setting", wide=True), *STATISTICS]
    rows = [_row(arm, metric) for arm in story.arms]
    blocks = long_table(metric, columns, rows, "setting", _best(story.arms, metric))
    naive = _naive(story.comparison.rows(), metric)
    if naive:
        title = [Column("naive answer"), Column(metric, True)]
        blocks.append(Table(f"Naive answers, {metric}", title, naive))
    return blocks


def _table(arms: Sequence[Arm], metric: str) -> Table:
    rows = [_row(arm, metric) for arm in arms]
    return Table(metric, [Column("setting", wide=True), *STATISTICS], rows, _best(arms, metric))


def _row(arm: Arm, metric: str) -> list[str]:
    found = arm.group.estimate(metric)
    return [cut(arm.label), *_statistics(found)]


def _statistics(found: Estimate | None) -> list[str]:
    if found is None:
        return ["0", "–", "–", "–", "–"]
    return [number(found.n), *map(number, (found.mean, found.sd, found.low, found.high))]


def _best(arms: Sequence[Arm], metric: str) -> frozenset[tuple[int, int]]:
    estimates = [arm.group.estimate(metric) for arm in arms]
    winner = _winner(metric, [each.mean if each else None for each in estimates])
    return frozenset() if winner is None else frozenset({(winner, 2)})


def _naive(rows: Sequence[RunRow], metric: str) -> list[list[str]]:
    """The naive answers; where their data differ, so do their scores, from the lowest on."""
    found: dict[str, set[float]] = {}
    for row in rows:
        for name, score in _scores(row.baselines, metric).items():
            found.setdefault(name, set()).add(score)
    return [
        [words(name), " to ".join(number(s) for s in sorted({min(values), max(values)}))]
        for name, values in found.items()
    ]


def _scores(baselines: Mapping[str, Mapping[str, float]], metric: str) -> dict[str, float]:
    return {name: found[metric] for name, found in baselines.items() if metric in found}
