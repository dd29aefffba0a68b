"""Runs side by side: grouped by their settings, a group's seeds summed up, the best first.

Ranking uses validation alone; test scores stand beside it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from rnnexp.errors import RnnexpError
from rnnexp.reports.run_index import RunRow
from rnnexp.reports.settings_compared import Numbering, differing, settings_in, value_at
from rnnexp.reports.statistics import LEVEL, Difference, Estimate, paired

__all__ = ["APART", "Comparison", "Group", "compare", "complete", "rank", "setting"]

APART = ("name", "seed")
"""settings that do not make a group of their own"""


@dataclass(frozen=True, slots=True)
class Group:
    """Finished runs with the same settings but for seed and name, one a seed, in their order.

    settings_that_differ: what the group has at each key of the comparison; null where it has none.
    superseded: older runs of a seed that a newer run has as well; they do not count.
    """

    settings_that_differ: Mapping[str, Any]
    rows: tuple[RunRow, ...]
    superseded: tuple[RunRow, ...] = ()

    def values(self, metric: str) -> dict[int, float]:
        """The values of a metric by seed, of the runs that have it."""
        return {
            seed: row.metrics[metric]
            for row in self.rows
            if metric in row.metrics and (seed := row.seed) is not None
        }

    def estimate(self, metric: str, level: float = LEVEL) -> Estimate | None:
        """Mean, spread and interval of a metric; None where no run has it."""
        values = self.values(metric)
        return Estimate.of(values.values(), level) if values else None

    def against(self, other: Group, metric: str, level: float = LEVEL) -> Difference | None:
        """The difference to another group over the seeds that both have; None without one."""
        return paired(self.values(metric), other.values(metric), level)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Groups of runs, the best first.

    keys: the dotted keys that differ between groups, or the label of a sweep that stands for some.
    monitor: the validation metric that ranks; of runs that disagree, the most frequent one.
    larger: whether more of it is better. metrics: those to show, the monitor and its test twin.
    monitors: how many runs each metric chose the best checkpoint of.
    unfinished: runs without a result. damaged: runs whose files cannot be read, with a warning.
    """

    keys: tuple[str, ...]
    groups: tuple[Group, ...]
    monitor: str | None
    larger: bool
    metrics: tuple[str, ...]
    monitors: Mapping[str, int]
    unfinished: tuple[RunRow, ...]
    damaged: tuple[RunRow, ...]

    def rows(self) -> list[RunRow]:
        """The runs that count."""
        return [row for group in self.groups for row in group.rows]


def compare(rows: Iterable[RunRow]) -> Comparison:
    """The finished ones of `rows` in groups; all others are kept apart, and none is lost."""
    finished, unfinished, damaged = _sorted_out(rows)
    monitors = Counter(row.monitor for row in finished if row.monitor)
    monitor = max(monitors, key=lambda name: monitors[name], default=None)
    ways = [row.larger for row in finished if row.monitor == monitor]
    larger = 2 * sum(ways) > len(ways)
    keys, groups = _grouped(finished)
    groups.sort(key=lambda group: rank(group.estimate(monitor or ""), larger))
    return Comparison(
        keys=tuple(keys),
        groups=tuple(groups),
        monitor=monitor,
        larger=larger,
        metrics=_twins(monitor, finished),
        monitors=monitors,
        unfinished=tuple(unfinished),
        damaged=tuple(damaged),
    )


def _sorted_out(rows: Iterable[RunRow]) -> tuple[list[RunRow], list[RunRow], list[RunRow]]:
    """The finished runs, those without a result, and those that are damaged."""
    finished: list[RunRow] = []
    unfinished: list[RunRow] = []
    damaged: list[RunRow] = []
    for row in map(complete, rows):
        place = damaged if row.warning else finished if row.state == "finished" else unfinished
        place.append(row)
    return finished, unfinished, damaged


def complete(row: RunRow) -> RunRow:
    """The row with its settings, or with a warning why it has none."""
    if row.warning or row.state != "finished":
        return row
    if not row.settings:
        try:
            row = replace(row, settings=settings_in(row.path))
        except RnnexpError as error:
            return replace(row, warning=f"its settings cannot be read: {error}")
    return row if row.seed is not None else replace(row, warning="its settings lack a seed")


def _grouped(rows: Sequence[RunRow]) -> tuple[list[str], list[Group]]:
    """What differs, and the groups."""
    number, labels = Numbering(), _labels(rows)
    members: dict[tuple[object, ...], list[RunRow]] = {}
    for row in rows:
        members.setdefault(_identity(row, labels, number), []).append(row)
    firsts = [found[0] for found in members.values()]
    keys = _keys(firsts, labels, number)
    return keys, [
        _group({key: setting(found[0], key) for key in keys}, found) for found in members.values()
    ]


def _identity(row: RunRow, labels: Sequence[str], number: Numbering) -> tuple[object, ...]:
    """What a group's runs have in common."""
    parts = ((name, number(part)) for name, part in row.settings.items() if name not in APART)
    return (
        frozenset(part for part in parts if part[1] != number(None)),
        *(setting(row, label) for label in labels),
    )


def setting(row: RunRow, key: str) -> Any:
    """What a run has at a dotted key, or the label that a sweep gave it there."""
    labels = row.trial.labels if row.trial else {}
    return labels[key] if key in labels else value_at(row.settings, key)


def _labels(rows: Sequence[RunRow]) -> list[str]:
    """The labelled axes that every run has: only there a label tells runs apart."""
    labelled = [row.trial.labels if row.trial else {} for row in rows]
    return [axis for axis in (labelled[0] if labelled else {}) if all(axis in x for x in labelled)]


def _keys(firsts: Sequence[RunRow], labels: Sequence[str], number: Numbering) -> list[str]:
    """The labels that differ, then the keys that do and that no label stands for."""
    labels = [each for each in labels if len({setting(row, each) for row in firsts}) > 1]
    settings = [{k: v for k, v in row.settings.items() if k not in APART} for row in firsts]
    return labels + [
        key
        for key in differing(settings, number)
        if not any(_covers(label, key, firsts, number) for label in labels)
    ]


def _covers(label: str, key: str, rows: Sequence[RunRow], number: Numbering) -> bool:
    """Whether a label stands for a key: it says so, and it tells what the key is."""
    told: dict[object, int] = {}
    for row in rows:
        covered = row.trial.labelled.get(label, ()) if row.trial else ()
        value = number(value_at(row.settings, key))
        named = any(key == each or key.startswith(f"{each}.") for each in covered)
        if not named or told.setdefault(setting(row, label), value) != value:
            return False
    return True


def _group(settings: Mapping[str, Any], rows: Sequence[RunRow]) -> Group:
    """Of runs with the same seed the newest counts."""
    newest: dict[int | None, RunRow] = {}
    superseded = []
    for row in sorted(rows, key=_began):
        if (older := newest.get(row.seed)) is not None:
            superseded.append(older)
        newest[row.seed] = row
    ordered = sorted(newest.values(), key=lambda row: row.seed or 0)
    return Group(settings, tuple(ordered), tuple(superseded))


def _began(row: RunRow) -> tuple[datetime, str]:
    return row.started or datetime.min.replace(tzinfo=UTC), row.path.name


def rank(estimate: Estimate | None, larger: bool) -> tuple[int, float]:
    """Sorts the best first, what is not finite after it, and what has no value last."""
    if estimate is None:
        return 2, 0.0
    if not math.isfinite(estimate.mean):
        return 1, 0.0
    return 0, -estimate.mean if larger else estimate.mean


def _twins(monitor: str | None, rows: Sequence[RunRow]) -> tuple[str, ...]:
    """The monitor and the same metric on test, where a run has it."""
    if monitor is None:
        return ()
    twin = f"test/{monitor.partition('/')[2]}"
    return (monitor, twin) if any(twin in row.metrics for row in rows) else (monitor,)
