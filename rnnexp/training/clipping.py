"""Gradient clipping, and a truthful account of what it did.

The norm is read once per update: the same number decides whether the gradient is finite, whether it
is clipped and what is logged. Source: Pascanu, Mikolov, Bengio 2013.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rnnexp.config.schema.training import Clip

__all__ = ["AutoClipper", "Clipper", "NormClipper", "ValueClipper", "build_clipper"]


class Clipper:
    """No clipping: the gradient stays as it is. The others override `limit`.

    threshold: the limit that the last update was held to, None where there is none.
    """

    threshold: float | None = None

    def norm(self, gradients: list[Tensor]) -> float:
        """The Euclidean norm of all gradients together, before clipping."""
        return float(torch.nn.utils.get_total_norm(gradients))

    def limit(self, gradients: list[Tensor], norm: float) -> bool:
        """Clip in place; whether anything changed."""
        return False

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

    def limit(self, gradients: list[Tensor], norm: float) -> bool:
        return _scale_to(gradients, norm, self.longest)


class ValueClipper(Clipper):
    """Cuts every component of the gradient to [-largest, largest]."""

    def __init__(self, largest: float) -> None:
        self.largest = largest

    def limit(self, gradients: list[Tensor], norm: float) -> bool:
        if norm <= self.largest:  # no component is longer than the whole
            return False
        found = float(torch.stack(torch._foreach_norm(gradients, float("inf"))).max())
        if found <= self.largest:
            return False
        torch._foreach_clamp_min_(gradients, -self.largest)
        torch._foreach_clamp_max_(gradients, self.largest)
        return True

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

    def limit(self, gradients: list[Tensor], norm: float) -> bool:
        known = self.mean > 0  # the first gradient of all has nothing to be compared with
        mean = self.mean / self.weight if known else norm
        self.threshold = self.factor * mean if known else None
        self.mean = self.DECAY * self.mean + (1 - self.DECAY) * min(norm, self.CAP * mean)
        self.weight = self.DECAY * self.weight + (1 - self.DECAY)
        return known and _scale_to(gradients, norm, self.factor * mean)

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


def _scale_to(gradients: list[Tensor], norm: float, threshold: float) -> bool:
    if norm <= threshold:
        return False
    torch._foreach_mul_(gradients, threshold / norm)
    return True
