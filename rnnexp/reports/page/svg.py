"""SVG as text: elements whose content and attributes are escaped, numbers that are finite."""

from __future__ import annotations

import math
from collections.abc import Iterable

from markupsafe import Markup, escape

from rnnexp.reports.page.wording import visible

__all__ = ["group", "path_data", "tag", "text"]

Point = tuple[float, float]


def tag(name: str, *content: str, **attributes: str | float) -> Markup:
    """An element. In the names of attributes `_` stands for `-`; `class_` is `class`.

    Content that is Markup stands as it is, other text is escaped. Raises ValueError where an
    attribute is not finite.
    """
    inner = Markup("").join(part if isinstance(part, Markup) else visible(part) for part in content)
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>")


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return str(escape(visible(value)))
    return _short(value)


def _short(value: float) -> str:
    """A length in pixels, to a tenth of one."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no place in a picture")
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def group(parts: Iterable[Markup], **attributes: str | float) -> Markup:
    return tag("g", Markup("").join(parts), **attributes)


def text(words: str, x: float, y: float, **attributes: str | float) -> Markup:
    return tag("text", words, x=x, y=y, **attributes)


def path_data(points: Iterable[Point]) -> str:
    """A line through points, for the attribute `d`."""
    return "".join(
        f"{'L' if place else 'M'}{_short(x)} {_short(y)}" for place, (x, y) in enumerate(points)
    )
