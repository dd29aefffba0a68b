"""Where a value lies on an axis, and at which round values the axis is marked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Scale", "drawable", "scale_over", "spans_powers", "tick_labels"]

LARGEST = 1e150
"""beyond it differences of values may be no floats; nothing that is measured is there"""
SMALLEST_SPAN = 1e-9
"""of the values themselves: what lies closer together is drawn as one"""
POWERS = 50
"""values that span such a factor are drawn on a logarithmic axis"""
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def drawable(value: float, logarithmic: bool = False) -> bool:
    """Whether a value has a place on an axis."""
    return 1 / LARGEST < value < LARGEST if logarithmic else abs(value) < LARGEST


def spans_powers(values: Iterable[float]) -> bool:
    """Whether values are told apart better on a logarithmic axis."""
    known = [value for value in values if abs(value) < LARGEST]
    return bool(known) and min(known) > 0 and max(known) / min(known) > POWERS


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, low < high."""

    low: float
    high: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Where a value lies: 0 at the low end, 1 at the high one."""
        if self.logarithmic:
            low, high = math.log(self.low), math.log(self.high)
            return (math.log(value) - low) / (high - low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int) -> list[float]:
        """Round values within the axis, about as many as asked for."""
        return _powers(self, most) if self.logarithmic else _steps(self.low, self.high, most)


def scale_over(values: Iterable[float], logarithmic: bool = False, room: float = 0.05) -> Scale:
    """An axis that holds all values, with some room at both ends; 0 to 1 where there is none."""
    known = [value for value in values if drawable(value, logarithmic)]
    low, high = (min(known), max(known)) if known else (0.1, 1.0) if logarithmic else (0.0, 1.0)
    if logarithmic:
        factor = (high / low) ** room if high / low > 1 + SMALLEST_SPAN else 2.0
        return Scale(low / factor, high * factor, True)
    if high - low <= SMALLEST_SPAN * max(abs(low), abs(high)):
        around = abs(high) / 10 or 1.0
        return Scale(low - around, high + around)
    margin = room * (high - low)
    return Scale(low - margin, high + margin)


def _steps(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    step = _round_step((high - low) / most)
    if step == 0:
        return [low, high]
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return list(dict.fromkeys(count * step for count in range(first, last + 1)))


def _round_step(rough: float) -> float:
    power = float(10 ** math.floor(math.log10(rough))) if rough > 1e-300 else 0.0
    return next((power * part for part in (1, 2, 5, 10) if power * part >= rough * 0.7), 0.0)


def _powers(scale: Scale, most: int) -> list[float]:
    """Powers of ten, over few of them their multiples too, over less than one round steps."""
    first, last = math.ceil(math.log10(scale.low)), math.floor(math.log10(scale.high))
    every = max(1, -(-(last - first + 1) // most))
    powers = [10.0**power for power in range(first, last + 1, every)]
    if last - first > 2:
        return powers
    parts = [10.0**power * part for power in range(first - 1, last + 1) for part in (1, 2, 5)]
    within = [value for value in parts if scale.low <= value <= scale.high]
    if len(within) >= 3:
        return within
    return [value for value in _steps(scale.low, scale.high, most) if value > 0]


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """The ticks with the decimals that they need; very large and small ones as `2×10⁻⁵`."""
    ticks = [float(f"{tick:.10g}") + 0.0 for tick in ticks]
    sizes = [abs(tick) for tick in ticks if tick]
    if sizes and (max(sizes) >= 1e6 or min(sizes) < 1e-3):
        return [_scientific(tick) for tick in ticks]
    if len(ticks) > 2 and math.isclose(ticks[1] - ticks[0], ticks[-1] - ticks[-2]):
        decimals = max(len(f"{tick:.10g}".partition(".")[2]) for tick in ticks)
        return [f"{tick:,.{decimals}f}" for tick in ticks]
    return [f"{tick:,.10g}" for tick in ticks]


def _scientific(value: float) -> str:
    if value == 0:
        return "0"
    digits, _, power = f"{value:.2e}".partition("e")
    if int(power) == 0:
        return f"{float(digits):g}"
    exponent = str(int(power)).translate(SUPERSCRIPTS)
    return f"10{exponent}" if float(digits) == 1 else f"{float(digits):g}×10{exponent}"
