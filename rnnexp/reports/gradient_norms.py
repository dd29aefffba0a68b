"""How large a run's gradients were, and what clipping did to them, in a few numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["GradientNorms", "gradient_norms"]


@dataclass(frozen=True, slots=True)
class GradientNorms:
    """median: of the norms in the log, each a mean over the steps since the line before.

    largest: of any step. clipped: the share of all steps that clipping changed; None without
    clipping. threshold: where it clipped last.
    """

    median: float
    largest: float
    clipped: float | None
    threshold: float | None


def gradient_norms(records: Iterable[Mapping[str, Any]]) -> GradientNorms | None:
    """From the records of metrics.jsonl, in order; None where no gradient was logged."""
    norms, largest, shares, threshold, before = [], 0.0, [], None, 0
    for record in records:
        norm, step = _number(record.get("grad_norm")), record.get("step")
        if norm is None or not isinstance(step, int):
            continue
        norms.append(norm)
        largest = max(largest, _number(record.get("grad_norm_max")) or norm)
        share = _number(record.get("clipped"))
        shares += [(share, max(step - before, 0))] if share is not None else []
        threshold = _number(record.get("clip_threshold")) or threshold
        before = step
    if not norms:
        return None
    return GradientNorms(sorted(norms)[len(norms) // 2], largest, _mean(shares), threshold)


def _mean(shares: list[tuple[float, int]]) -> float | None:
    steps = sum(weight for _, weight in shares)
    return sum(share * weight for share, weight in shares) / steps if steps else None


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known and math.isfinite(value) else None
