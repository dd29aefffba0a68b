"""From what people type to the page of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnexp.errors import CommandError, UnsafeError
from rnnexp.recording.text_files import read_json
from rnnexp.reports.comparison import compare, complete
from rnnexp.reports.page.rendering import page_of
from rnnexp.reports.page.story import Story
from rnnexp.reports.page.wording import cut, listed, plural
from rnnexp.reports.runs import RunRow, each_run
from rnnexp.reports.selection import baseline_group, chosen_paths
from rnnexp.reports.sweeps import SweepRow, names_a_sweep, read_sweep

__all__ = ["Report", "report_on"]

FILE = "report.html"


@dataclass(frozen=True)
class Report:
    """html: the whole page. place: the file it is for. damage: what could not be read, by run."""

    html: str
    place: Path
    rows: Sequence[RunRow]
    settings: int
    damage: Mapping[str, Sequence[str]]


def report_on(references: Sequence[str], runs: Path, baseline: str | None = None) -> Report:
    """The report of one run, several, or a sweep and its trials.

    baseline: `key=value,...` or a run, as in `runs compare`.

    Raises:
        CommandError: no such run, a sweep without trials, or no such group.
    """
    rows = [complete(row) for row in each_run(chosen_paths(references, runs))]
    sweep = _sweep(references, runs)
    if not rows:
        raise CommandError(
            "nothing to report: there are no trials yet",
            code="CMD126",
            hint=f"rnnexp sweep {sweep} goes on with it" if sweep else None,
        )
    comparison = compare(rows)
    against = baseline_group(baseline, comparison, runs) if baseline else None
    story = Story(rows, _failures(sweep) if sweep else None, comparison, against)
    html = page_of(story, *_headings(story, read_sweep(sweep) if sweep else None))
    place = sweep or (rows[0].path if len(rows) == 1 else Path())
    return Report(html, place / FILE, rows, len(comparison.groups), story.damage)


def _sweep(references: Sequence[str], runs: Path) -> Path | None:
    """The sweep that is meant, where it is one and nothing else."""
    return names_a_sweep(references[0], runs) if len(references) == 1 else None


def _failures(sweep: Path) -> dict[str, Mapping[str, Any]]:
    """Why points of a sweep left no run."""
    found: dict[str, Mapping[str, Any]] = {}
    for path in sorted((sweep / "failures").glob("*.json")):
        try:
            failure = read_json(path) or {}
        except UnsafeError:
            failure = {}
        if path.stem.isdecimal():
            found[path.stem] = failure
    return found


def _headings(story: Story, sweep: SweepRow | None) -> tuple[str, str]:
    """Title and subtitle."""
    started = min((row.started for row in story.rows if row.started), default=None)
    since = f", begun {started:%Y-%m-%d %H:%M} UTC" if started else ""
    if sweep is not None:
        method = f"{sweep.method} over " if sweep.method else ""
        what = f"{method}{listed(sweep.axes)}, {sweep.done:,} of {sweep.total:,} trials done"
        return cut(sweep.name), f"Sweep {sweep.path.name}: {what}{since}."
    names = list(dict.fromkeys(row.name for row in story.rows))
    if story.several:
        return cut(listed(names, 4), 120), f"{plural(len(story.rows), 'run')}{since}."
    row = story.rows[0]
    return cut(row.name), f"Run {row.path.name}, {row.state}{since}."
