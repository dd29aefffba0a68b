"""Long lines in as many points as there are pixels, without losing a peak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TypeVar

__all__ = ["evenly", "thin", "thin_band"]

Point = tuple[float, float]
Span = tuple[float, float, float]
Item = TypeVar("Item")
Place = TypeVar("Place", Point, Span)


def thin(points: Sequence[Point], columns: int) -> list[Point]:
    """Of all points that fall into one of `columns` the first, lowest, highest and last."""
    if len(points) <= columns:
        return list(points)
    kept: list[Point] = []
    for column in _columns(points, columns):
        places = range(len(column))
        low = min(places, key=lambda place: column[place][1])
        high = max(places, key=lambda place: column[place][1])
        kept += [column[place] for place in sorted({0, low, high, len(column) - 1})]
    return kept


def thin_band(spans: Sequence[Span], columns: int) -> list[Span]:
    """Of all (x, low, high) that fall into one of `columns` the whole range."""
    if len(spans) <= columns:
        return list(spans)
    return [
        (column[0][0], min(low for _, low, _ in column), max(high for _, _, high in column))
        for column in _columns(spans, columns)
    ]


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of the items, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(place * (len(items) - 1) / (most - 1))] for place in range(most)]


def _columns(items: Sequence[Place], columns: int) -> Iterator[list[Place]]:
    """Items, in the order of their first number, by the column that it falls into."""
    first, last = items[0][0], items[-1][0]
    width = (last - first) / columns or 1.0

    def column(item: Place) -> int:
        return min(int((item[0] - first) / width), columns - 1)

    return (list(found) for _, found in groupby(items, column))
