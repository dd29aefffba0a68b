"""Learning curves: the losses and the metric that was watched, over the steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rnnexp.reports.page.blocks import Block, Section, figure
from rnnexp.reports.page.story import Arm, Story
from rnnexp.reports.page.svg_charts import Chart, Point, Rule, Series, Span, spans_powers
from rnnexp.reports.page.wording import number

__all__ = ["arm_series", "curve_chart", "learning", "over_seeds"]

MOST_BANDS = 4
"""of more settings only the best have one: too many lie over each other"""


def learning(story: Story) -> Section | None:
    parts = _of_arms(story) if story.several else _of_one(story)
    blocks = list(parts)
    return Section("Learning curves", blocks) if blocks else None


def _of_one(story: Story) -> Iterator[Block]:
    run = story.closely
    lines = [
        Series(name, run.curves[name], look)
        for look, name in enumerate(("train/loss", "val/loss"))
        if name in run.curves
    ]
    best = run.summary.get("best_step")
    rules = [Rule(float(best), "best", upright=True)] if isinstance(best, int) else []
    if lines:
        chart = curve_chart("Loss over the steps of training", "loss", lines, rules)
        yield figure(chart, "Loss in training and on the validation part.")
    monitor = run.row.monitor or ""
    if monitor in run.curves and monitor != "val/loss":
        line = Series(monitor, run.curves[monitor], 1)
        chart = curve_chart(f"{monitor} over the steps of training", monitor, [line], rules)
        yield figure(chart, f"{monitor}, by which the best checkpoint was chosen.")


def _of_arms(story: Story) -> Iterator[Block]:
    monitor = story.comparison.monitor
    titles = {"val/loss": "Validation loss", "train/loss": "Training loss"}
    if monitor and monitor not in titles:
        titles = {monitor: monitor} | titles
    for name, title in titles.items():
        lines = [line for arm in story.arms for line in arm_series(story, arm, name)]
        if lines:
            chart = curve_chart(f"{title} of every setting over the steps", name, lines)
            yield figure(chart, f"{title}. {_reading(story, lines)}")


def _reading(story: Story, lines: Sequence[Series]) -> str:
    parts = []
    if any(line.band for line in lines):
        parts.append("Lines are means over seeds, bands reach from the lowest seed to the highest;"
                     " a line ends where the first seed stopped.")  # fmt: skip
    if any(line.quiet for line in lines):
        parts.append(f"The {len(story.shown)} best settings are in colour, the others grey.")
    return " ".join(parts)


def curve_chart(title: str, up: str, lines: Sequence[Series], rules: Sequence[Rule] = ()) -> Chart:
    """Lines over the steps; on a logarithmic axis where they span powers of ten."""
    logarithmic = spans_powers(y for line in lines for _, y in line.points)
    description = "; ".join(map(_course, (line for line in lines if not line.quiet)))
    name = f"{up} (log axis)" if logarithmic else up
    return Chart(title, description, "step", name, lines, rules, log_y=logarithmic)


def _course(line: Series) -> str:
    if not line.points:
        return f"{line.label}: nothing"
    lowest = min(y for _, y in line.points)
    first, last = line.points[0][1], line.points[-1][1]
    return f"{line.label}: from {number(first)} to {number(last)}, lowest {number(lowest)}"


def arm_series(story: Story, arm: Arm, name: str) -> Iterator[Series]:
    """The mean line of an arm's seeds with their range; one by one where they share no step."""
    curves = [story.files(row).curves.get(name, []) for row in arm.rows]
    curves = [curve for curve in curves if curve]
    if not curves:
        return
    quiet, look = arm.look is None, arm.look or 0
    mean, band = over_seeds(curves)
    if mean:
        wanted = not quiet and look < MOST_BANDS
        yield Series(arm.label, mean, look, band=band if wanted else (), quiet=quiet)
        return
    for curve in curves:
        yield Series(arm.label, curve, look, quiet=True)


def over_seeds(curves: Sequence[Sequence[Point]]) -> tuple[list[Point], list[Span]]:
    """Mean, and lowest and highest, at the steps that all curves have; one curve has no band."""
    by_step = [dict(curve) for curve in curves]
    shared = [step for step in by_step[0] if all(step in each for each in by_step)]
    values = [[each[step] for each in by_step] for step in shared]
    mean = [(step, sum(v) / len(v)) for step, v in zip(shared, values, strict=True)]
    if len(curves) == 1:
        return mean, []
    return mean, [(step, min(v), max(v)) for step, v in zip(shared, values, strict=True)]
