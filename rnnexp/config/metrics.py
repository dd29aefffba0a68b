"""Which way a metric is better, and how far it is counted."""

from __future__ import annotations

__all__ = ["MOST_CLASSES", "larger_is_better"]

LARGER = frozenset({"accuracy", "exact_match", "macro_f1"})
MOST_CLASSES = 1000
"""with more classes there is no macro_f1: the counts of who is taken for whom grow as the square"""


def larger_is_better(name: str) -> bool:
    """Whether more of a metric is better; `name` is as in `accuracy` or `test/accuracy`."""
    return name.rpartition("/")[2] in LARGER
