"""How long the gradients were, and what clipping did to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from rnnexp.reports.gradient_norms import GradientNorms
from rnnexp.reports.page.blocks import Block, Column, Paragraph, Section, figure, long_table
from rnnexp.reports.page.sections.learning import arm_series, curve_chart
from rnnexp.reports.page.story import Story
from rnnexp.reports.page.svg_charts import Point, Rule, Series
from rnnexp.reports.page.wording import cut, number, percent, plural
from rnnexp.reports.run_index import RunRow

__all__ = ["gradients"]

Curves = Mapping[str, Sequence[Point]]


def gradients(story: Story) -> Section | None:
    blocks = list(_of_arms(story) if story.several else _of_one(story))
    return Section("Gradients", blocks) if blocks else None


def _of_one(story: Story) -> Iterator[Block]:
    curves, norms = story.closely.curves, story.closely.norms
    if norms is None or "grad_norm" not in curves:
        return
    yield Paragraph(_account(norms, curves))
    lines = [Series("mean norm", curves["grad_norm"], 0)]
    if "grad_norm_max" in curves:
        lines.append(Series("largest norm", curves["grad_norm_max"], 2))
    rules, threshold = _limits([curves])
    lines += [Series("threshold", threshold, 3)] if threshold else []
    chart = curve_chart("Gradient norm over the steps, before clipping", "gradient norm", lines,
                        rules)  # fmt: skip
    yield figure(chart, "Norm of the gradient before clipping, between two lines of the log.")


def _account(norms: GradientNorms, curves: Curves) -> str:
    updates, by_value = plural(int(curves["grad_norm"][-1][0]), "update"), curves.get("clip_value")
    text = f"The gradient's norm was {number(norms.median)} in the median, {number(norms.largest)}"
    text += f" at most, over {updates}"
    if norms.clipped is None:
        return f"{text}; nothing was clipped."
    limit = by_value[-1][1] if by_value else norms.threshold
    what = "components" if by_value else "norms"
    beyond = f" {what} beyond {limit:g}" if limit is not None else ""
    return f"{text}; clipping{beyond} changed {percent(norms.clipped)}."


def _limits(curves: Sequence[Curves]) -> tuple[list[Rule], Sequence[Point]]:
    """The threshold of the norm: a rule where it never moves, else (of one run) a line."""
    found = [each["clip_threshold"] for each in curves if "clip_threshold" in each]
    values = {value for points in found for _, value in points}
    if len(values) == 1:
        return [Rule(values.pop(), "threshold")], ()
    return [], found[0] if len(curves) == 1 and found else ()


def _of_arms(story: Story) -> Iterator[Block]:
    lines = [line for arm in story.arms for line in arm_series(story, arm, "grad_norm")]
    if not lines:
        return
    every = [story.files(row).curves for arm in story.arms for row in arm.rows]
    chart = curve_chart("Gradient norm of every setting over the steps, before clipping",
                        "gradient norm", lines, _limits(every)[0])  # fmt: skip
    yield figure(chart, "Mean norm of the gradient before clipping, over seeds.")
    columns = [Column("setting", wide=True), *(Column(name, True) for name in (
        "median norm", "largest", "threshold", "clipped"))]  # fmt: skip
    rows = [row for arm in story.arms if (row := _row(story, arm.label, arm.rows))]
    caption = "Gradient norms over all updates and seeds, and the share of updates clipped"
    yield from long_table(caption, columns, rows, "setting")


def _limit(thresholds: set[float | None]) -> str:
    if len(thresholds) > 1:
        return "varies"
    (threshold,) = thresholds
    return "none" if threshold is None else f"{threshold:g}"


def _row(story: Story, label: str, runs: Sequence[RunRow]) -> list[str]:
    found = [story.files(row).norms for row in runs]
    known = [norms for norms in found if norms is not None]
    if not known:
        return []
    limits = {norms.threshold for norms in known}
    shares = [norms.clipped for norms in known if norms.clipped is not None]
    return [
        cut(label),
        number(median(norms.median for norms in known)),
        number(max(norms.largest for norms in known)),
        _limit(limits),
        percent(sum(shares) / len(shares)) if shares else "–",
    ]
