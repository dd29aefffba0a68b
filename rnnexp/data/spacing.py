"""From units back to text: where a space stands between two of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = ["WORD", "Spacing"]

WORD = re.compile(r"\w+|[^\w\s]")
"""a word: a run of letters or digits, or a single mark"""


@dataclass(frozen=True)
class Spacing:
    """`separator` between two units, but none before a mark of `closes` and after one of `opens`.

    With words split off their marks, `l'homme` is l ' homme: the apostrophe closes and opens.
    """

    separator: str = " "
    closes: frozenset[str] = frozenset()
    opens: frozenset[str] = frozenset()

    @classmethod
    def fit(cls, texts: Iterable[str]) -> Spacing:
        """Which marks mostly stand without a space before or after them in a training part."""
        before: Counter[str] = Counter()
        after: Counter[str] = Counter()
        for text in texts:
            for left, right in pairwise(WORD.finditer(text)):
                touching = 1 if left.end() == right.start() else -1
                before[right.group()] += touching
                after[left.group()] += touching
        return cls(closes=_mostly(before), opens=_mostly(after))

    def join(self, units: Iterable[str]) -> str:
        """The text of the units."""
        parts: list[str] = []
        previous = ""
        for unit in units:
            touching = unit in self.closes or previous in self.opens
            parts += [unit] if touching or not parts else [self.separator, unit]
            previous = unit
        return "".join(parts)

    def to_json(self) -> dict[str, Any]:
        return {
            "separator": self.separator,
            "closes": sorted(self.closes),
            "opens": sorted(self.opens),
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Spacing:
        """What `to_json` wrote."""
        closes, opens = frozenset(written["closes"]), frozenset(written["opens"])
        return cls(written["separator"], closes, opens)


def _mostly(touching: Counter[str]) -> frozenset[str]:
    """The marks that touch more often than not; a word only ever touches by its mark."""
    return frozenset(u for u, count in touching.items() if count > 0 and not u[0].isalnum())
