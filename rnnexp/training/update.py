"""One update: the gradient is there; measure it, refuse it or clip it, and step.

The loss and the gradient norm are each read from the device once. Both are checked before the
optimizer moves a weight, so that no weight ever becomes NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from rnnexp.errors import DivergedError
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.training.clipping import Clipper

__all__ = ["Statistics", "Updater"]


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


class Updater:
    """Moves the weights by one gradient."""

    def __init__(
        self, network: AnyNetwork, optimizer: torch.optim.Optimizer, clipper: Clipper
    ) -> None:
        self.network, self.optimizer, self.clipper = network, optimizer, clipper

    def step(self, loss: float, learning_rate: float) -> tuple[float, bool]:
        """Clip and apply the gradients in place; the norm before clipping and whether it clipped.

        Raises:
            DivergedError: the loss or the gradient is not finite; the weights are as before.
        """
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        norm = self.clipper.norm(gradients)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise self._diverged(loss, norm)
        clipped = self.clipper.limit(gradients, norm)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return norm, clipped

    def _diverged(self, loss: float, norm: float) -> DivergedError:
        if not math.isfinite(loss):
            return DivergedError(
                f"the loss is {loss}; the weights of the last good step are kept",
                code="DIV001",
                hint="lower training.optimizer.lr, or clip: training.clip.norm=1.0",
            )
        return DivergedError(
            f"the gradient norm is {norm}; first parameter that is not finite: {self._first_bad()}",
            code="DIV002",
            hint="clip the gradient: training.clip.norm=1.0, or lower training.optimizer.lr",
        )

    def _first_bad(self) -> str:
        for name, parameter in self.network.named_parameters():
            gradient: Tensor | None = parameter.grad
            if gradient is not None and not bool(gradient.isfinite().all()):
                return name
        return "none alone, the sum of squares overflows"
