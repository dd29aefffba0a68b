"""From what people type to the page of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from rnnexp import __version__
from rnnexp.errors import CommandError, UnsafeError
from rnnexp.reading import read_json
from rnnexp.reports.comparison import compare, complete
from rnnexp.reports.page.blocks import Section
from rnnexp.reports.page.sections.answer import answer
from rnnexp.reports.page.sections.diagnosis_section import diagnosis
from rnnexp.reports.page.sections.failures import failures
from rnnexp.reports.page.sections.forecast_section import forecast
from rnnexp.reports.page.sections.gradients_section import gradients
from rnnexp.reports.page.sections.learning import learning
from rnnexp.reports.page.sections.provenance import data, environment, reproduction
from rnnexp.reports.page.sections.samples import samples
from rnnexp.reports.page.sections.scores_section import classes, scores
from rnnexp.reports.page.sections.settings_section import differences, settings, swept
from rnnexp.reports.page.story import Story
from rnnexp.reports.page.svg_charts import Chart, HeatMap, chart_svg, heat_map_svg
from rnnexp.reports.page.wording import cut, listed, plural, visible
from rnnexp.reports.run_index import RunRow, SweepRow, each_run, names_a_sweep, read_sweep
from rnnexp.reports.selection import baseline_group, chosen_paths

__all__ = ["GENERATOR", "Report", "report_on"]


# The page: sections in their order, charts drawn, everything numbered and escaped.

GENERATOR = "rnnexp report"
WIDE, NARROW = 736, 350
"""pixels of a chart beside the text, and on a phone"""

SECTIONS: Sequence[Callable[[Story], Section | None]] = (
    answer,
    settings,
    learning,
    scores,
    differences,
    gradients,
    diagnosis,
    forecast,
    classes,
    samples,
    swept,
    failures,
    environment,
    data,
    reproduction,
)


def page_of(story: Story, title: str, subtitle: str) -> str:
    """The whole page as HTML. title, subtitle: what the report is about."""
    sections = [section for tell in SECTIONS if (section := tell(story)) is not None]
    return _template().render(
        title=title,
        subtitle=subtitle,
        generator=GENERATOR,
        version=__version__,
        style=Markup(_resource("page.css")),
        sections=sections,
        damage=story.damage,
        number_of=_numbers(sections),
        wide=lambda chart: _drawn(chart, WIDE, narrow=False),
        narrow=lambda chart: _drawn(chart, NARROW, narrow=True),
        kind=lambda block: type(block).__name__,
    )


def _template() -> Template:
    environment = Environment(
        loader=FunctionLoader(_resource),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _resource(name: str) -> str:
    return files("rnnexp.reports.page").joinpath(name).read_text(encoding="utf-8")


def _shown(value: Any) -> Any:
    """What cannot be seen in a text is made visible, wherever it stands in the page."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _drawn(chart: Chart | HeatMap, width: int, narrow: bool) -> Markup:
    draw: Callable[..., Markup] = heat_map_svg if isinstance(chart, HeatMap) else chart_svg
    return draw(chart, width, narrow)


def _numbers(sections: Sequence[Section]) -> Callable[[object], str]:
    """Gives `Figure 1` or `Table 1` for a block; what is folded has no number."""
    counts = {"Figure": 0, "Table": 0}
    found: dict[int, str] = {}
    for block in (block for section in sections for block in section.blocks):
        name = type(block).__name__
        if name in counts:
            counts[name] += 1
            found[id(block)] = f"{name} {counts[name]}"
    return lambda block: found.get(id(block), "")


# From what people type to the page of a report.

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
