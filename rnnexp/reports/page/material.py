"""What the files of a run hold, as far as they can be read; what is damaged is noted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from rnnexp.errors import RnnexpError, UnsafeError
from rnnexp.reading import open_plain, read_bytes
from rnnexp.recording.text_files import read_json, read_records
from rnnexp.reports.gradient_norms import GradientNorms, gradient_norms
from rnnexp.reports.page.charts import Point
from rnnexp.reports.runs import RunRow
from rnnexp.reports.settings import settings_in

__all__ = ["RunFiles", "as_number", "numbers_in", "objects_in"]

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
