"""Predicted numbers beside the true ones, and how far off they were."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rnnexp.reports.page.blocks import Block, Paragraph, Section, figure
from rnnexp.reports.page.story import RunFiles, Story, as_number
from rnnexp.reports.page.svg_charts import Chart, Series, evenly
from rnnexp.reports.page.wording import cut, listed, number, percent

__all__ = ["forecast"]

LONGEST = 200
"""so many steps are told apart"""
MOST_DOTS = 400


@dataclass(frozen=True)
class Answer:
    """A prediction, what it should have been, and the 95 % interval around it."""

    place: float
    target: float
    prediction: float
    low: float | None
    high: float | None

    @property
    def error(self) -> float:
        return self.prediction - self.target


@dataclass
class Errors:
    """What is summed up of all answers."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, error: float) -> None:
        self.count, self.total = self.count + 1, self.total + error
        self.squares += error * error if abs(error) < 1e150 else math.inf


def forecast(story: Story) -> Section | None:
    run, errors = story.closely, Errors()
    ordered = "horizon" in run.data
    stretch = _stretch(run, errors, ordered)
    if not stretch:
        return None
    about = _about(story, run, errors, len(stretch), ordered)
    pictures = _series(stretch) if ordered or _in_steps(stretch) else _cloud(stretch)
    return Section("Predictions", [Paragraph(about), *pictures])


def _stretch(run: RunFiles, errors: Errors, ordered: bool) -> list[Answer]:
    """The end of a series; of sequences that stand alone the first; of others some of all."""
    last = deque[Answer](maxlen=LONGEST)
    first: list[Answer] = []
    alone: Any = None
    for number_, record in enumerate(run.records("predictions.jsonl")):
        if (found := _answer(record, number_)) is None:
            continue
        errors.add(found.error)
        last.append(found)
        alone = record.get("example") if not errors.count - 1 else alone
        same = "example" not in record or record["example"] == alone
        if same and len(first) < (MOST_DOTS if "example" not in record else LONGEST):
            first.append(found)
    return sorted(last, key=lambda each: each.place) if ordered else first


def _answer(record: Mapping[str, Any], number_: int) -> Answer | None:
    if "index" not in record:
        return None
    target, prediction = (as_number(_first(record.get(k))) for k in ("target", "prediction"))
    if target is None or prediction is None:
        return None
    place = as_number(record.get("step", record["index"]))
    low, high = (as_number(_first(record.get(key))) for key in ("low", "high"))
    return Answer(float(number_) if place is None else place, target, prediction, low, high)


def _first(value: Any) -> Any:
    """Of several predicted columns or steps the first."""
    while isinstance(value, list) and value:
        value = value[0]
    return value


def _in_steps(stretch: list[Answer]) -> bool:
    """Whether the answers are those of one sequence, step by step."""
    places = [each.place for each in stretch]
    return len(places) > 1 and places == list(range(len(places))) and len(places) <= LONGEST


def _about(story: Story, run: RunFiles, errors: Errors, shown: int, ordered: bool) -> str:
    whose = ""
    if story.several:
        whose = f" of the best setting's first seed ({cut(run.path.name, 80)})"
    text = f"{number(errors.count)} predictions on the test part{whose}; error is prediction minus"
    text += f" target, {number(errors.total / errors.count)} in the mean, with a root mean square"
    text += f" of {number(math.sqrt(errors.squares / errors.count))}."
    if shown < errors.count:
        text += f" Shown are the {'last' if ordered else 'first'} {number(shown)}."
    return text + _coverage(run.summary.get("coverage"))


def _coverage(coverage: Any) -> str:
    if not isinstance(coverage, Mapping):
        return ""
    held = [
        (f"{cut(str(level), 8)} %", percent(share))
        for level, part in coverage.items()
        if (share := as_number(part)) is not None
    ]
    if not held:
        return ""
    levels, shares = (listed(each) for each in zip(*held, strict=True))
    ending = "s hold" if len(held) > 1 else " holds"
    return f" The {levels} interval{ending} {shares} of the targets."


def _series(stretch: list[Answer]) -> Iterator[Block]:
    target = [(each.place, each.target) for each in stretch]
    guess = [(each.place, each.prediction) for each in stretch]
    band = [
        (each.place, each.low, each.high)
        for each in stretch
        if each.low is not None and each.high is not None
    ]
    lines = [Series("target", target, 0), Series("prediction", guess, 1, band=band)]
    description = f"{len(stretch)} steps; targets from {number(min(y for _, y in target))} to"
    description += f" {number(max(y for _, y in target))}"
    chart = Chart("Predictions beside targets on the test part", description, "step",
                  "value (own units)", lines)  # fmt: skip
    caption = "Target and prediction in their own units"
    yield figure(chart, f"{caption}, with the 95 % interval." if band else f"{caption}.")
    errors = [Series("error", [(each.place, each.error) for each in stretch], 1, "bars")]
    largest = max(abs(each.error) for each in stretch)
    chart = Chart("Errors of the predictions", f"at most {number(largest)} off", "step",
                  "prediction − target", errors, height=120)  # fmt: skip
    yield figure(chart, "Errors of the same predictions.")


def _cloud(stretch: list[Answer]) -> Iterator[Block]:
    dots = [(each.target, each.prediction) for each in evenly(stretch, MOST_DOTS)]
    ends = [min(min(dot) for dot in dots), max(max(dot) for dot in dots)]
    series = [
        Series("predictions", dots, 0, "dots"),
        Series("equal", [(end, end) for end in ends], 5),
    ]
    chart = Chart("Predictions against targets on the test part",
                  f"{len(dots)} dots; on the line they are right", "target", "prediction",
                  series)  # fmt: skip
    yield figure(chart, "Each dot is one prediction; on the line it equals its target.")
