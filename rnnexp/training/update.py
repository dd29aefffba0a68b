"""One update: the gradient is there; measure it, refuse it or clip it, and step.

Loss and gradient norm are checked before the optimizer moves a weight, so that no weight ever
becomes NaN. Between the norm and the step there is no pass over the gradient: the kernel that
moves the weights clips as well (`fused.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from rnnexp.errors import DivergedError
from rnnexp.training.clipping import Clipper
from rnnexp.training.fused import FusedStep

__all__ = [
    "Applied",
    "Statistics",
    "Updater",
    "diverged",
    "gradient_norms",
    "is_finite",
]


@dataclass
class Statistics:
    """What happened since the last line of the log."""

    updates: int = 0
    clipped: int = 0
    tokens: int = 0
    loss: float = 0.0
    norm: float = 0.0
    largest_norm: float = 0.0

    def add(self, loss: float, norm: float, clipped: bool, tokens: int) -> None:
        self.updates += 1
        self.loss += loss
        self.norm += norm
        self.largest_norm = max(self.largest_norm, norm)
        self.clipped += clipped
        self.tokens += tokens

    def record(self, limit: Mapping[str, float]) -> dict[str, float]:
        """Means over the updates; `clipped` is their share that was changed."""
        record = {
            "train/loss": self.loss / self.updates,
            "grad_norm": self.norm / self.updates,
            "grad_norm_max": self.largest_norm,
        }
        if limit:
            record |= {"clipped": self.clipped / self.updates, **limit}
        return record


class Applied(NamedTuple):
    """What an update came to. norm: of the gradient before clipping. clipped: whether it was."""

    loss: float
    norm: float
    clipped: bool


class Updater:
    """Moves the weights by one gradient."""

    def __init__(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, clipper: Clipper
    ) -> None:
        self.clipper, self.stepper = clipper, FusedStep(optimizer)
        self.names = [name for name, p in network.named_parameters() if p.requires_grad]
        self._divisor = torch.ones(())

    def step(self, loss: Tensor, learning_rate: float) -> Applied:
        """Clip and apply the gradients, which are used up.

        Raises:
            DivergedError: the loss or the gradient is not finite; the weights are as before.
        """
        gradients = self.stepper.gradients()
        norms_P, total = gradient_norms(gradients)
        value, norm = loss.item(), total.item()
        if not is_finite(value, norm):
            raise diverged(value, norm, self.names_of(gradients), norms_P)
        divisor = self.clipper.divisor(norm)
        clipped = divisor > 1.0 or self.clipper.cut(gradients, norm)
        self.stepper.step(gradients, learning_rate, self._placed(divisor, total))
        self.stepper.forget_gradients()
        return Applied(value, norm, clipped)

    def names_of(self, gradients: list[Tensor]) -> list[str]:
        """The parameters that have these gradients."""
        if len(gradients) == len(self.names):
            return self.names
        pairs = zip(self.names, self.stepper.parameters, strict=True)
        return [name for name, parameter in pairs if parameter.grad is not None]

    def _placed(self, divisor: float, norm: Tensor) -> Tensor | None:
        if divisor == 1.0:
            return None
        self._divisor = self._divisor.to(norm.device)
        return self._divisor.fill_(divisor)


def gradient_norms(gradients: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Each gradient's Euclidean norm, (P,), and that of all together, (); one pass over them."""
    norms_P = torch.stack(torch._foreach_norm(gradients))
    return norms_P, torch.linalg.vector_norm(norms_P)


def is_finite(loss: float, norm: float) -> bool:
    """Whether the update that they belong to may reach the weights."""
    return math.isfinite(loss) and math.isfinite(norm)


def diverged(loss: float, norm: float, names: Sequence[str], norms_P: Tensor) -> DivergedError:
    """The error for a loss or a norm that is not finite; norms_P: the norm of each parameter."""
    if not math.isfinite(loss):
        return DivergedError(
            f"the loss is {loss}; the weights of the last good step are kept",
            code="DIV001",
            hint="lower training.optimizer.lr, or clip: training.clip.norm=1.0",
        )
    each = zip(names, norms_P.tolist(), strict=True)
    bad = (name for name, own in each if not math.isfinite(own))
    named = next(bad, "none alone, the sum of squares overflows")
    return DivergedError(
        f"the gradient norm is {norm}; first parameter whose own is not finite: {named}",
        code="DIV002",
        hint="clip the gradient: training.clip.norm=1.0, or lower training.optimizer.lr",
    )
