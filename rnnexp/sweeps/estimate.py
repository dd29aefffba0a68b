"""What a sweep would cost, before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rnnexp.running.planning import plan
from rnnexp.sweeps.definition import drawn
from rnnexp.sweeps.freezing import Plan
from rnnexp.sweeps.points import Point, point_of

__all__ = ["Estimate", "estimate"]

TIMED = 6
"""settings that are really timed; the others are taken to be like them"""
CHECKPOINTS = 3
STATES = 3
"""numbers kept for each parameter: itself and, by Adam, two more"""
LOG_BYTES = 40_000


@dataclass(frozen=True)
class Estimate:
    """trials; seconds of training in all, on one core; bytes that the run folders take."""

    trials: int
    seconds: float
    bytes: int


def estimate(sweep: Plan) -> Estimate:
    """Time a few updates of settings spread over the sweep. Raises as `rnnexp.planning.plan`."""
    seeds = len(sweep.definition.seeds) or 1
    points = sweep.points or _some_of(sweep)
    trials = len(sweep.points) or (sweep.definition.method.trials or 0) * seeds
    settings = {point.setting: point for point in points}
    spread = list(settings.values())
    chosen = (
        [spread[n * len(spread) // TIMED] for n in range(TIMED)] if len(spread) > TIMED else spread
    )
    plans: list[dict[str, Any]] = [plan(sweep.config(point)) for point in chosen]
    seconds = sum(each["seconds"] for each in plans) / len(plans) * trials
    size = sum(each["parameters"] for each in plans) / len(plans)
    return Estimate(trials, seconds, round(trials * (size * 4 * STATES * CHECKPOINTS + LOG_BYTES)))


def _some_of(sweep: Plan) -> Sequence[Point]:
    """Settings such as a search might try."""
    definition = sweep.definition
    return [
        point_of(definition, n, n, drawn(definition.axes, definition.method.seed, n), 0)
        for n in range(TIMED)
    ]
