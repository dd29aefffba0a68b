"""Which way a metric is better."""

from __future__ import annotations

__all__ = ["larger_is_better"]

LARGER = frozenset({"accuracy", "bleu", "chrf", "exact_match", "macro_f1"})


def larger_is_better(name: str) -> bool:
    """Whether more of a metric is better; `name` is as in `accuracy` or `test/accuracy`."""
    return name.rpartition("/")[2] in LARGER
