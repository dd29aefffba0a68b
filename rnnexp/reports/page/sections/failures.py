"""Runs without a result, each by name and with the reason, so that none is lost."""

from __future__ import annotations

from collections.abc import Iterator

from rnnexp.reports.page.blocks import Column, Paragraph, Section, long_table
from rnnexp.reports.page.story import Story
from rnnexp.reports.page.wording import cut, number, plural
from rnnexp.reports.run_index import RunRow

__all__ = ["failures"]

LONGEST_REASON = 200
REASONS = {
    "running": "it is still training",
    "dead": "its process is gone",
    "pruned": "others were better at the same step",
}


def failures(story: Story) -> Section | None:
    rows = [*_unfinished(story), *_without_runs(story)]
    if not rows or not (story.several or rows[0][3]):
        return None
    columns = [
        Column("run", wide=True),
        Column("state"),
        Column("step", True),
        Column("why", wide=True),
    ]
    about = f"{plural(len(rows), 'run')} without a result; no number in this report counts them."
    table = long_table("Runs without a result", columns, rows, "run")
    return Section("Not finished", [Paragraph(about), *table])


def _unfinished(story: Story) -> Iterator[list[str]]:
    for row in (*story.comparison.unfinished, *story.comparison.damaged):
        error = story.files(row).json("status.json").get("error")
        why = story.files(row).warning or error or REASONS.get(row.state, "")
        yield [_name(row), cut(row.state), number(row.steps), cut(str(why), LONGEST_REASON)]


def _name(row: RunRow) -> str:
    return cut(row.path.name, 90)


def _without_runs(story: Story) -> Iterator[list[str]]:
    """Points of a sweep whose trial left no folder."""
    with_runs = {row.trial.point for row in story.rows if row.trial}
    for point, failure in story.failures.items():
        if int(point) not in with_runs:
            why = failure.get("error") or failure.get("message") or failure.get("reason") or ""
            yield [f"point {cut(point, 20)}", "failed", "–", cut(str(why), LONGEST_REASON)]
