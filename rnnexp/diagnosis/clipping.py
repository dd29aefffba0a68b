"""What clipping did in a run, from its log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Clipping", "clipping_of"]


@dataclass(frozen=True)
class Clipping:
    """Gradient norms before clipping over all updates of a run.

    share: of updates that were changed, None without clipping. threshold: the norm, or with
    `by_value` the component, that the last update was held to.
    """

    updates: int
    mean_norm: float
    largest_norm: float
    share: float | None
    threshold: float | None
    by_value: bool

    @property
    def excess(self) -> float | None:
        """How many times the threshold the largest gradient was, where it is a norm."""
        if self.threshold is None or self.by_value:
            return None
        return self.largest_norm / self.threshold


def clipping_of(records: Iterable[Mapping[str, Any]]) -> Clipping | None:
    """The account of a run's metrics.jsonl; None where it has no line of an update."""
    updates, norms, changed, last = 0, 0.0, 0.0, 0
    largest, threshold, by_value, clips = 0.0, None, False, False
    for record in records:
        if "grad_norm" not in record:
            continue
        count, last = record["step"] - last, record["step"]
        updates += count
        norms += count * record["grad_norm"]
        largest = max(largest, record["grad_norm_max"])
        clips = clips or "clipped" in record
        changed += count * record.get("clipped", 0.0)
        by_value = "clip_value" in record
        threshold = record.get("clip_value", record.get("clip_threshold", threshold))
    if not updates:
        return None
    share = changed / updates if clips else None
    return Clipping(updates, norms / updates, largest, share, threshold, by_value)
