"""The answer on top: what was run, and what came of it, with its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from rnnexp.registry.cache import PREFIX
from rnnexp.reports.page.blocks import Block, Paragraph, Section
from rnnexp.reports.page.story import Arm, Naive, RunFiles, Story, headline, strongest, words
from rnnexp.reports.page.wording import cut, duration, listed, number, plural, setting_text
from rnnexp.reports.settings_compared import value_at
from rnnexp.reports.statistics import Estimate
from rnnexp.training.monitor import larger_is_better

__all__ = ["answer"]

CELLS = {"rnn": "plain RNN", "lstm": "LSTM", "gru": "GRU"}
ENDS = {
    "running": "is still training",
    "interrupted": "was interrupted",
    "dead": "was broken off: its process is gone",
    "failed": "failed",
    "diverged": "diverged: its loss or gradient was no longer finite",
    "pruned": "was stopped, as others were better",
    "damaged": "cannot be read whole",
    "finished": "is finished, but its summary cannot be read",
}


def answer(story: Story) -> Section:
    """Never empty."""
    blocks = _of_several(story) if story.several else _of_one(story.closely)
    return Section("", list(blocks))


def _of_one(run: RunFiles) -> Iterator[Block]:
    row, what = run.row, _network(run.settings)
    if not row.metrics:
        at = f" after {plural(row.steps, 'step')}" if row.steps is not None else ""
        state = ENDS.get(row.state, f"is {cut(row.state)}")
        yield Paragraph(f"{what} {state}{at}; there is no result.", "lead")
        return
    metric = headline([row])
    yield Paragraph(f"{what} {_scored(metric, row.metrics, row.baselines)}.", "lead")
    yield Paragraph(_course(run))


def _network(settings: Mapping[str, Any]) -> str:
    """`An LSTM of 32 and 32 units on sunspots, many to one,`."""
    model = value_at(settings, "model")
    if not isinstance(model, Mapping):
        return "A network"
    cell = str(model.get("cell"))
    name = CELLS.get(cell, cut(cell, 20))
    both = "bidirectional " if model.get("bidirectional") else ""
    article = "An" if not both and name[:1] in "AEFHILMNORSX" else "A"
    sizes = model.get("hidden_sizes")
    units = listed([*map(setting_text, sizes)]) if isinstance(sizes, list | tuple) else "unknown"
    source = _source(settings)
    shape = words(cut(setting_text(value_at(settings, "task.kind")), 40))
    return f"{article} {both}{name} of {units} units on {source}, {shape},"


def _source(settings: Mapping[str, Any]) -> str:
    """The name of the file or folder, or of the data set."""
    path = value_at(settings, "data.path")
    if isinstance(path, str) and path:
        return cut(PurePath(path.removeprefix(PREFIX)).name or path, 40)
    return words(cut(setting_text(value_at(settings, "data.source")), 40))


def _scored(
    metric: str | None, metrics: Mapping[str, float], baselines: Mapping[str, Mapping[str, float]]
) -> str:
    if metric is None:
        return "has no test score"
    naive, value = strongest(baselines, metric), metrics[metric]
    reached = f"reaches {_name(metric)} {number(value)} on test"
    validation = metrics.get(f"val/{metric.partition('/')[2]}")
    reached += f" ({number(validation)} on validation)" if validation is not None else ""
    if naive is None:
        return f"{reached}; no naive answer was scored beside it"
    alone = "one seed leaves open how much of that is chance"
    return f"{reached}, {_beside(value, naive, metric)}; {alone}"


def _beside(value: float, naive: Naive, metric: str) -> str:
    if value == naive.score:
        how = "no better than"
    else:
        how = "better than" if (value > naive.score) == larger_is_better(metric) else "worse than"
    if not math.isfinite(value):
        how = "not to be compared with"
    return f"{how} the strongest naive answer ({words(naive.name)}, {number(naive.score)})"


def _name(metric: str) -> str:
    return words(metric.partition("/")[2] or metric)


def _course(run: RunFiles) -> str:
    """How the training went, in a sentence."""
    row, summary = run.row, run.summary
    parts = [f"It was trained for {number(row.steps)} steps in {duration(row.seconds)}"]
    if isinstance(summary.get("parameters"), int):
        parts[0] += f" and has {number(summary['parameters'])} parameters"
    if isinstance(summary.get("best_step"), int) and row.monitor:
        parts.append(
            f"its best checkpoint, by {row.monitor}, is that of step"
            f" {number(summary['best_step'])}, with {number(row.best)}"
        )
    if summary.get("stopped_by"):
        parts.append(f"stopped by {words(cut(str(summary['stopped_by'])))}")
    return "; ".join(parts) + "."


def _of_several(story: Story) -> Iterator[Block]:
    finished, comparison = story.comparison.rows(), story.comparison
    if not finished:
        yield Paragraph(f"{plural(len(story.rows), 'run')}, none of them with a result.", "lead")
        return
    best, metric = story.arms[0], headline(finished)
    yield Paragraph(f"{_what(story)} {_best(story, best, metric)}.", "lead")
    if len(story.arms) > 1:
        yield Paragraph(_rivals(story, best))
    if len(comparison.monitors) > 1:
        yield Paragraph(
            "The runs did not watch the same metric; settings are ranked by"
            f" {comparison.monitor}, which most of them did.", "warning"
        )  # fmt: skip


def _what(story: Story) -> str:
    runs = plural(len(story.comparison.rows()), "finished run")
    if len(story.arms) == 1:
        return f"{runs} of one setting:"
    return f"{runs} of {len(story.arms)} settings, which differ in {listed(story.comparison.keys)}:"


def _best(story: Story, best: Arm, metric: str | None) -> str:
    monitor = story.comparison.monitor or ""
    watched = best.group.estimate(monitor)
    who = "it" if len(story.arms) == 1 else cut(best.label)
    parts = [f"{who} {'has' if len(story.arms) == 1 else 'validates best, with'} {monitor}"
             f" {_spread(watched)}"]  # fmt: skip
    test = best.group.estimate(metric) if metric else None
    if metric and test is not None:
        parts.append(f"and {_name(metric)} {_spread(test)} on test")
        if (naive := strongest(best.rows[0].baselines, metric)) is not None:
            parts.append(", " + _against(test, naive, metric))
    return " ".join(parts).replace(" , ", ", ")


def _spread(estimate: Estimate | None) -> str:
    """`0.31 ± 0.02 (n = 3)`, with the standard deviation."""
    if estimate is None:
        return "unknown"
    sd = f" ± {number(estimate.sd)}" if estimate.sd is not None else ""
    return f"{number(estimate.mean)}{sd} (n\u00a0=\u00a0{estimate.n})"


def _against(test: Estimate, naive: Naive, metric: str) -> str:
    if test.low is not None and test.high is not None and test.low <= naive.score <= test.high:
        return (
            f"not distinguishable from the strongest naive answer ({words(naive.name)},"
            f" {number(naive.score)})"
        )
    single = "" if test.low is not None else ", from a single seed"
    return _beside(test.mean, naive, metric) + single


def _rivals(story: Story, best: Arm) -> str:
    """Which other settings the best one cannot be told from."""
    monitor = story.comparison.monitor or ""
    found = [(arm, arm.group.against(best.group, monitor)) for arm in story.arms[1:]]
    unpaired = [arm for arm, difference in found if difference is None or difference.n < 2]
    alike = [
        f"{cut(arm.label)} (n\u00a0=\u00a0{difference.n})"
        for arm, difference in found
        if difference is not None and difference.n > 1 and not difference.distinguishable
    ]
    if len(unpaired) == len(found):
        return "No two seeds are shared, so that chance cannot be told from a difference."
    if not alike:
        return "It is distinguishable, seed by seed, from every other setting that shares seeds."
    return f"By {monitor}, seed by seed, it is not distinguishable from {listed(alike, 5)}."
