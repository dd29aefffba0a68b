"""The names of the series of a chart: beside the ends of their lines, or in a list above."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from rnnexp.reports.page.charts import LOOKS, Chart, Series
from rnnexp.reports.page.frame import LINE, WIDEST_LABEL, Frame
from rnnexp.reports.page.scales import drawable
from rnnexp.reports.page.svg import path_data, tag, text
from rnnexp.reports.page.wording import cut

__all__ = ["mark", "names", "spread_out"]

GAP = 15.0
SHAPES = (
    "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0",  # circle
    "m-3.2 -3.2h6.4v6.4h-6.4z",  # square
    "m0 -4.2l4 7h-8z",  # triangle
    "m0 -4.6l4.6 4.6l-4.6 4.6l-4.6 -4.6z",  # diamond
    "m0 4.2l4 -7h-8z",  # triangle on its tip
    "m-4 -1.3h2.7v-2.7h2.6v2.7h2.7v2.6h-2.7v2.7h-2.6v-2.7h-2.7z",  # plus
)


def mark(x: float, y: float, look: int) -> Markup:
    """The mark of a look at a place."""
    return tag("path", d=path_data([(x, y)]) + SHAPES[look % LOOKS], class_=f"mark c{look % LOOKS}")


def names(chart: Chart, frame: Frame, narrow: bool) -> Iterator[Markup]:
    """A name for every series that needs one, with a piece of its line."""
    labelled = chart.labelled()
    if narrow:
        places = [(0.0, frame.top - LINE * (len(labelled) - n) + 2) for n in range(len(labelled))]
    else:
        ends = [frame.up(_end(series, frame)) for series in labelled]
        places = [(frame.right + 8, y) for y in spread_out(ends, frame.top, frame.bottom)]
    for series, (x, y) in zip(labelled, places, strict=True):
        look = series.look % LOOKS
        if series.form in ("line", "levels"):
            yield tag("path", d=path_data([(x, y), (x + 14, y)]), class_=_line(series))
        if series.form in ("dots", "bars") or series.marked:
            yield mark(x + 7, y, look)
        yield text(cut(series.label, WIDEST_LABEL), x + 18, y + 4, class_=f"label t{look}")


def _line(series: Series) -> str:
    look = series.look % LOOKS
    return f"line c{look}" if series.form == "levels" else f"line c{look} d{look}"


def _end(series: Series, frame: Frame) -> float:
    logarithmic = frame.y.logarithmic
    values = [y for _, y in series.points if drawable(y, logarithmic)]
    return values[-1] if values else frame.y.low


def spread_out(places: Sequence[float], top: float, bottom: float) -> list[float]:
    """Places moved apart, so that lines of text do not overlap, in the order that they have."""
    order = sorted(range(len(places)), key=lambda n: places[n])
    moved = [places[n] for n in order]
    for n in range(1, len(moved)):
        moved[n] = max(moved[n], moved[n - 1] + GAP)
    if moved and moved[-1] > bottom:
        moved[-1] = max(bottom, top + GAP * (len(moved) - 1))
        for n in range(len(moved) - 2, -1, -1):
            moved[n] = min(moved[n], moved[n + 1] - GAP)
    found = dict(zip(order, moved, strict=True))
    return [found[n] for n in range(len(places))]
