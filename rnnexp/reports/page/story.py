"""Which metric is told of, and the naive answer that a network must beat there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rnnexp.errors import RnnexpError, UnsafeError
from rnnexp.reading import open_plain, read_bytes, read_json, read_records
from rnnexp.reports.comparison import Comparison, Group, compare
from rnnexp.reports.gradient_norms import GradientNorms, gradient_norms
from rnnexp.reports.page.svg_charts import LOOKS, Point
from rnnexp.reports.page.wording import setting_text
from rnnexp.reports.run_index import RunRow
from rnnexp.reports.settings_compared import settings_in
from rnnexp.training.monitor import larger_is_better

__all__ = [
    "Arm",
    "Naive",
    "RunFiles",
    "Story",
    "as_number",
    "headline",
    "numbers_in",
    "objects_in",
    "strongest",
    "words",
]


# What the files of a run hold, as far as they can be read; what is damaged is noted.

TEXT_LIMIT = 2**20
CURVES = (
    "train/loss", "val/loss", "grad_norm", "grad_norm_max", "clip_threshold", "clip_value",
)  # fmt: skip


def as_number(value: Any) -> float | None:
    """A finite number of a file; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def numbers_in(value: Any) -> list[float]:
    """The finite numbers of a list of a file."""
    found = map(as_number, value) if isinstance(value, list) else ()
    return [each for each in found if each is not None]


def objects_in(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list of a file."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


class RunFiles:
    """The files of one run, each read when it is first asked for.

    damage: a sentence for everything that could not be read so far.
    """

    def __init__(self, row: RunRow) -> None:
        self.row, self.path = row, row.path
        self.damage = [self.warning] if self.warning else []

    @property
    def warning(self) -> str | None:
        """What its row could not be read for, without the place of the run on this machine."""
        return self.row.warning and self.row.warning.replace(f"{self.path}/", "")

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The whole config; empty where it cannot be read."""
        if self.row.settings:
            return self.row.settings
        try:
            return settings_in(self.path)
        except RnnexpError:
            self._note("its settings are not known: resolved.yaml cannot be used")
            return {}

    @cached_property
    def curves(self) -> Mapping[str, list[Point]]:
        """(step, value) points of the log by name: losses, gradient norm, clipping, monitor."""
        found: dict[str, list[Point]] = {name: [] for name in (*CURVES, self.row.monitor or "")}
        for record in self.records("metrics.jsonl"):
            step = as_number(record.get("step"))
            for name, points in found.items() if step is not None else ():
                value = as_number(record.get(name))
                if value is not None and step is not None:
                    points.append((step, value))
        return {name: sorted(points) for name, points in found.items() if points}

    @cached_property
    def norms(self) -> GradientNorms | None:
        """How long its gradients were."""
        return gradient_norms(self.records("metrics.jsonl"))

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        return self.json("summary.json")

    @cached_property
    def data(self) -> Mapping[str, Any]:
        return self.json("data.json")

    @cached_property
    def environment(self) -> Mapping[str, Any]:
        return self.json("env.json")

    @cached_property
    def diagnosis(self) -> Mapping[str, Any]:
        return self.json("diagnosis.json")

    def json(self, name: str) -> Mapping[str, Any]:
        """The object in a file; empty where there is none."""
        try:
            found = read_json(self.path / name)
        except UnsafeError as error:
            self._note(f"{name} is not read: {error.problems[0].message.rpartition('/')[2]}")
            return {}
        if found is None and (self.path / name).exists():
            self._note(f"{name} is damaged")
        return found or {}

    def text(self, name: str) -> str:
        """A text file; empty where there is none."""
        try:
            return read_bytes(self.path / name, TEXT_LIMIT).decode("utf-8", "replace").rstrip()
        except UnsafeError as error:
            self._note(f"{name} is not read: {error.problems[0].message.rpartition('/')[2]}")
        except OSError:
            if (self.path / name).exists():
                self._note(f"{name} cannot be read")
        return ""

    def records(self, name: str) -> Iterator[Mapping[str, Any]]:
        """The objects of a JSONL file; a line torn at the end of a living one is no damage."""
        path, whole = self.path / name, 0
        try:
            for record in read_records(path):
                whole += 1
                yield record
            lines = _lines(path)
        except (UnsafeError, OSError) as error:
            self._note(f"{name} is not read: {str(error).rpartition('/')[2]}")
            return
        if whole < lines:
            self._note(f"{name}: {lines - whole:,} of {lines:,} lines cannot be read")

    def _note(self, text: str) -> None:
        if text not in self.damage:
            self.damage.append(text)


def _lines(path: Path) -> int:
    """Whole lines that are not empty."""
    if not path.is_file():
        return 0
    with open_plain(path) as lines:
        return sum(line.endswith(b"\n") and not line.isspace() for line in lines)


# What a report is about: runs, those that belong together, and the one that is shown closely.


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


# Which metric is told of, and the naive answer that a network must beat there.

PREFERRED = ("rmse", "accuracy", "bleu", "exact_match", "loss")


@dataclass(frozen=True)
class Naive:
    """A naive answer and its score."""

    name: str
    score: float


def headline(rows: Sequence[RunRow]) -> str | None:
    """The test metric to tell first: the monitor's twin, or one that naive answers have too."""
    row = next((row for row in rows if row.metrics), None)
    if row is None:
        return None
    twin = f"test/{(row.monitor or '').partition('/')[2]}"
    naive = {name for scores in row.baselines.values() for name in scores}
    wanted = [twin, *(f"test/{name}" for name in PREFERRED)]
    shared = (name for name in wanted if name in row.metrics and name in naive)
    return next(shared, row.test_metric)


def strongest(baselines: Mapping[str, Mapping[str, float]], metric: str) -> Naive | None:
    """The best of the naive answers by a metric; None where none has it."""
    scores = [
        Naive(name, found[metric])
        for name, found in baselines.items()
        if metric in found and math.isfinite(found[metric])
    ]
    if not scores:
        return None
    choose = max if larger_is_better(metric) else min
    return choose(scores, key=lambda naive: naive.score)


def words(name: str) -> str:
    """`linear_autoregression` as people write it."""
    return name.replace("_", " ")
