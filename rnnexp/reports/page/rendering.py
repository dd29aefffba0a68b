"""The page: sections in their order, charts drawn, everything numbered and escaped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from rnnexp import __version__
from rnnexp.reports.page.blocks import Section
from rnnexp.reports.page.chart_svg import chart_svg
from rnnexp.reports.page.charts import Chart
from rnnexp.reports.page.heat_map import HeatMap, heat_map_svg
from rnnexp.reports.page.sections.answer import answer
from rnnexp.reports.page.sections.classes import classes
from rnnexp.reports.page.sections.diagnosis import diagnosis
from rnnexp.reports.page.sections.differences import differences
from rnnexp.reports.page.sections.failures import failures
from rnnexp.reports.page.sections.forecast import forecast
from rnnexp.reports.page.sections.gradients import gradients
from rnnexp.reports.page.sections.learning import learning
from rnnexp.reports.page.sections.provenance import data, environment, reproduction
from rnnexp.reports.page.sections.samples import samples
from rnnexp.reports.page.sections.scores import scores
from rnnexp.reports.page.sections.settings import settings
from rnnexp.reports.page.sections.swept import swept
from rnnexp.reports.page.story import Story
from rnnexp.reports.page.wording import visible

__all__ = ["GENERATOR", "page_of"]

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
