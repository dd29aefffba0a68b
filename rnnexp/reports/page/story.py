"""What a report is about: runs, those that belong together, and the one that is shown closely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rnnexp.reports.comparison import Comparison, Group, compare
from rnnexp.reports.page.charts import LOOKS
from rnnexp.reports.page.material import RunFiles
from rnnexp.reports.page.wording import setting_text
from rnnexp.reports.runs import RunRow

__all__ = ["Arm", "Story"]


@dataclass(frozen=True)
class Arm:
    """Runs with the same settings, one a seed.

    look: colour, dash and mark in every chart; None for those beyond the first few, drawn in grey.
    """

    label: str
    group: Group
    look: int | None

    @property
    def rows(self) -> Sequence[RunRow]:
        return self.group.rows


class Story:
    """The runs of a report.

    arms: the finished runs in groups, the best first; without one, each unfinished run alone.
    failures: why points of a sweep left no run, by their number. baseline: the arm that others are
    held against.
    """

    def __init__(
        self,
        rows: Sequence[RunRow],
        failures: Mapping[str, Mapping[str, Any]] | None = None,
        comparison: Comparison | None = None,
        baseline: Group | None = None,
    ) -> None:
        self.rows, self.failures = list(rows), failures or {}
        self.comparison = comparison or compare(self.rows)
        self.arms = _arms(self.comparison, self.rows)
        self.baseline = next((a for a in self.arms if a.group is baseline), self.arms[0])
        self._files = {row.path: RunFiles(row) for row in rows}

    def files(self, row: RunRow) -> RunFiles:
        return self._files[row.path]

    @property
    def several(self) -> bool:
        """Whether more than one run is told of."""
        return len(self.rows) > 1

    @cached_property
    def closely(self) -> RunFiles:
        """The run that is looked at closely: the only one, or the best setting's first seed."""
        return self.files(self.arms[0].rows[0])

    @property
    def damage(self) -> dict[str, list[str]]:
        """What could not be read so far, by the name of the run."""
        return {path.name: files.damage for path, files in self._files.items() if files.damage}

    @property
    def shown(self) -> list[Arm]:
        """The arms that have a colour."""
        return [arm for arm in self.arms if arm.look is not None]


def _arms(comparison: Comparison, rows: Sequence[RunRow]) -> list[Arm]:
    groups = list(comparison.groups) or [Group({}, (row,)) for row in rows]
    finished = bool(comparison.groups)
    return [
        Arm(
            _label(group, comparison.keys) if finished else group.rows[0].path.name,
            group,
            place if place < LOOKS else None,
        )
        for place, group in enumerate(groups)
    ]


def _label(group: Group, keys: Sequence[str]) -> str:
    """`lstm` where one key differs and is a word, else `cell lstm, lr 0.003`."""
    values = [group.settings_that_differ.get(key) for key in keys]
    if len(keys) == 1 and isinstance(values[0], str):
        return values[0]
    short = [key.rpartition(".")[2] for key in keys]
    names = [name if short.count(name) == 1 else key for name, key in zip(short, keys, strict=True)]
    parts = [f"{name} {setting_text(value)}" for name, value in zip(names, values, strict=True)]
    return ", ".join(parts) or group.rows[0].name
