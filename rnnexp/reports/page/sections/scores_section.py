"""How well each class is found, and what it is taken for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rnnexp.reports.page.blocks import (
    Block,
    Column,
    Figure,
    Fold,
    Paragraph,
    Section,
    Table,
    long_table,
)
from rnnexp.reports.page.story import Arm, RunFiles, Story, as_number, headline, objects_in, words
from rnnexp.reports.page.svg_charts import HeatMap
from rnnexp.reports.page.wording import cut, number, percent, plural
from rnnexp.reports.run_index import RunRow
from rnnexp.reports.statistics import Estimate
from rnnexp.training.monitor import larger_is_better

__all__ = ["classes", "scores"]


# Every metric with its spread over seeds, beside the naive answers.

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


# How well each class is found, and what it is taken for.

MOST_DRAWN = 40
MOST_PAIRS = 10
SCORES = ("support", "precision", "recall", "f1")


def classes(story: Story) -> Section | None:
    run = story.closely
    blocks = [*_matrix(run), *_classes_table(run)]
    if not blocks:
        return None
    if story.several:
        whose = f"Of the best setting's first seed ({cut(run.path.name, 80)}), on the test part."
        blocks.insert(0, Paragraph(whose))
    return Section("Classes", blocks)


def _matrix(run: RunFiles) -> Iterator[Block]:
    record = run.json("confusion.json")
    names = record.get("classes")
    counts = _square(record.get("matrix"), len(names)) if isinstance(names, list) else None
    if not counts or not isinstance(names, list):
        return
    known = [str(name) for name in names]
    pairs = _pairs(known, counts)
    if len(known) > MOST_DRAWN:
        yield Paragraph(f"{plural(len(known), 'class')}, too many for a picture of all pairs.")
        yield pairs
        return
    shares = [[count / (sum(row) or 1) for count in row] for row in counts]
    found = [shares[n][n] for n, row in enumerate(counts) if sum(row)]
    mean = f"on average {percent(sum(found) / len(found))} of a class are found" if found else ""
    chart = HeatMap("Taken for which class", mean, "answered", "true class", known, shares)
    yield Figure(chart, "Per cent of the targets of a class (row) that were answered with each"
                 " class (column), on the test part.", pairs)  # fmt: skip


def _square(matrix: Any, size: int) -> list[list[float]] | None:
    """The counts; None where they are not a matrix of that size."""
    if not isinstance(matrix, list) or len(matrix) != size or not size:
        return None
    rows = [[as_number(count) for count in row] if isinstance(row, list) else [] for row in matrix]
    whole = [[max(count, 0.0) for count in row if count is not None] for row in rows]
    return whole if all(len(row) == size for row in whole) else None


def _pairs(names: Sequence[str], counts: Sequence[Sequence[float]]) -> Table:
    """What is most often taken for something else."""
    size = range(len(names))
    wrong = [(counts[a][b], a, b) for a in size for b in size if a != b and counts[a][b] > 0]
    rows = [
        [cut(names[a]), cut(names[b]), f"{count:,.0f}", percent(count / sum(counts[a]))]
        for count, a, b in sorted(wrong, reverse=True)[:MOST_PAIRS]
    ]
    columns = [Column("true class"), Column("taken for"), Column("times", True),
               Column("of the class", True)]  # fmt: skip
    return Table("The most frequent confusions", columns, rows)


def _classes_table(run: RunFiles) -> list[Block]:
    found = objects_in(run.json("classes.json").get("classes"))
    if not found:
        return []
    ordered = sorted(found, key=lambda row: -(as_number(row.get("support")) or 0.0))
    columns = [Column("class"), *(Column(name, True) for name in SCORES)]
    rows = [_classes_row(each) for each in ordered]
    return long_table("Every class on the test part, the most frequent first", columns, rows,
                      "class")  # fmt: skip


def _classes_row(record: Mapping[str, Any]) -> list[str]:
    support = as_number(record.get("support"))
    scores = [number(as_number(record.get(name))) for name in SCORES[1:]]
    return [cut(str(record.get("class"))), f"{support or 0:,.0f}", *scores]
