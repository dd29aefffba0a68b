"""Gradient clipping, and a truthful account of what it did.

One pass over the gradient gives its norm, which decides whether it is finite, whether it is clipped
and what is logged. Where the norm is limited there is no second pass: the optimizer divides by what
`divisor` says as it reads the gradient. Source: Pascanu, Mikolov, Bengio 2013.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rnnexp.config.training_settings import Clip

__all__ = [
    "AutoClipper",
    "Clipper",
    "NormClipper",
    "ValueClipper",
    "build_clipper",
    "largest_component",
]


class Clipper:
    """No clipping: the gradient stays as it is. The others override `divisor` or `cut`.

    threshold: the limit that the last update was held to, None where there is none.
    """

    threshold: float | None = None

    def divisor(self, norm: float) -> float:
        """What a gradient of this norm is divided by; 1 where it is short enough."""
        return 1.0

    def cut(self, gradients: list[Tensor], norm: float) -> bool:
        """Cut single components in place; whether any was too large."""
        return False

    def on_device(self, gradients: list[Tensor], norm: Tensor) -> tuple[Tensor | None, Tensor]:
        """The same without asking the device for the norm: the divisor, if any; single components
        are cut. Also what `clipped` is to be told beside the norm.
        """
        return None, norm

    def clipped(self, norm: float, largest: float) -> bool:
        """Whether `on_device` changed a gradient. largest: what it returned beside the divisor."""
        return self.divisor(norm) > 1.0

    def in_force(self) -> dict[str, float]:
        """What the last update was held to, as the log names it."""
        return {} if self.threshold is None else {"clip_threshold": self.threshold}

    def state(self) -> dict[str, float | None]:
        """What a checkpoint needs to go on."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""


class NormClipper(Clipper):
    """Scales the gradient down to `longest` when it is longer."""

    def __init__(self, longest: float) -> None:
        self.threshold = self.longest = longest

    def divisor(self, norm: float) -> float:
        return max(norm / self.longest, 1.0)

    def on_device(self, gradients: list[Tensor], norm: Tensor) -> tuple[Tensor | None, Tensor]:
        return (norm.double() / self.longest).clamp(min=1.0).float(), norm


class ValueClipper(Clipper):
    """Cuts every component of the gradient to [-largest, largest]."""

    def __init__(self, largest: float) -> None:
        self.largest = largest

    def cut(self, gradients: list[Tensor], norm: float) -> bool:
        if norm <= self.largest:  # no component is longer than the whole
            return False
        if largest_component(gradients).item() <= self.largest:
            return False
        self._cut_all(gradients)
        return True

    def on_device(self, gradients: list[Tensor], norm: Tensor) -> tuple[Tensor | None, Tensor]:
        largest = largest_component(gradients)
        self._cut_all(gradients)
        return None, largest

    def clipped(self, norm: float, largest: float) -> bool:
        return norm > self.largest and largest > self.largest

    def _cut_all(self, gradients: list[Tensor]) -> None:
        for gradient in gradients:
            gradient.clamp_(-self.largest, self.largest)

    def in_force(self) -> dict[str, float]:
        return {"clip_value": self.largest}


class AutoClipper(Clipper):
    """Threshold = factor times the running mean of the norm, as Pascanu et al. suggest.

    The mean is that of the norms before clipping with weights that halve every 69 updates; a norm
    counts at most ten times the mean so far, so that one explosion does not lift the threshold.
    """

    DECAY, CAP = 0.99, 10.0

    def __init__(self, factor: float) -> None:
        self.factor, self.mean, self.weight = factor, 0.0, 0.0

    def divisor(self, norm: float) -> float:
        """The same; the norm counts in the running mean from now on."""
        known = self.mean > 0  # the first gradient of all has nothing to be compared with
        mean = self.mean / self.weight if known else norm
        self.threshold = self.factor * mean if known else None
        self.mean = self.DECAY * self.mean + (1 - self.DECAY) * min(norm, self.CAP * mean)
        self.weight = self.DECAY * self.weight + (1 - self.DECAY)
        longest = self.factor * mean
        return norm / longest if known and norm > longest > 0 else 1.0

    def state(self) -> dict[str, float | None]:
        return {"mean": self.mean, "weight": self.weight, "threshold": self.threshold}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.mean, self.weight = state["mean"], state["weight"]
        self.threshold = state["threshold"]


def build_clipper(clip: Clip | None) -> Clipper:
    """The clipper that `training.clip` asks for."""
    if clip is None:
        return Clipper()
    if clip.norm is not None:
        return NormClipper(clip.norm)
    if clip.value is not None:
        return ValueClipper(clip.value)
    return AutoClipper(clip.auto or 1.0)


def largest_component(gradients: list[Tensor]) -> Tensor:
    """The largest absolute value among all components, ()."""
    ends = [end for gradient in gradients for end in torch.aminmax(gradient)]
    return torch.stack(ends).abs().max()
