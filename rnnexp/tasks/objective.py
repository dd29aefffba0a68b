"""What is predicted, numbers or classes: the loss that trains it and the metrics that judge it.

Shape letters: M predictions (time and batch flattened), O output features or classes.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from rnnexp.data.encoding import Scaler
from rnnexp.tasks.confusion import class_counts

__all__ = ["Classification", "Objective", "Regression", "own_units"]


class Objective(ABC):
    """Loss sums for training, metric sums for judging; both over the valid targets only."""

    @abstractmethod
    def loss(self, output_MO: Tensor, target: Tensor, mask_M: Tensor | None) -> Tensor:
        """The loss summed over valid targets, a scalar with gradient."""

    @abstractmethod
    def sums(self, output_MO: Tensor, target: Tensor, mask_M: Tensor | None) -> dict[str, float]:
        """Sums over valid targets that add up over batches."""

    def class_counts(
        self, output_MO: Tensor, target: Tensor, mask_M: Tensor | None
    ) -> NDArray[np.int64] | None:
        """(3, O) right answers, answers and targets of each class; None where nobody counts."""
        return None

    @abstractmethod
    def metrics(self, sums: Mapping[str, float], count: int) -> dict[str, float]:
        """The metrics from the sums over `count` valid targets."""


class Regression(Objective):
    """Numbers. The loss is of scaled values; rmse, mae and mse are in the target's own units.

    scale_weights: (O,) what the mean absolute scaled error weighs the columns with; None without
    one.
    """

    def __init__(
        self,
        loss: str,
        scaler: Scaler | None,
        scale_weights: NDArray[np.float64] | None = None,
    ) -> None:
        self.name = loss
        losses = {"mse": nn.MSELoss, "mae": nn.L1Loss, "huber": nn.HuberLoss}
        self.summed, self.elementwise = (losses[loss](reduction=how) for how in ("sum", "none"))
        self.scaler, self.scale_weights = scaler, scale_weights

    def loss(self, output_MO: Tensor, target: Tensor, mask_M: Tensor | None) -> Tensor:
        """Per target the mean over its O features."""
        if mask_M is None:
            total: Tensor = self.summed(output_MO, target) / target.shape[-1]
        else:
            total = (self.elementwise(output_MO, target).mean(-1) * mask_M).sum()
        return total

    @torch.no_grad()
    def sums(self, output_MO: Tensor, target: Tensor, mask_M: Tensor | None) -> dict[str, float]:
        error_MO = own_units(self.scaler, output_MO) - own_units(self.scaler, target)
        if mask_M is not None:
            error_MO = error_MO[mask_M.cpu().numpy() > 0]
        sums = {
            "loss": float(self.loss(output_MO, target, mask_M)),
            "squared": float(np.square(error_MO).mean(-1).sum()),
            "absolute": float(np.abs(error_MO).mean(-1).sum()),
        }
        if self.scale_weights is not None:
            sums["scaled"] = float((np.abs(error_MO) @ self.scale_weights).sum())
        return sums

    def metrics(self, sums: Mapping[str, float], count: int) -> dict[str, float]:
        mse = sums["squared"] / count
        metrics = {
            "loss": sums["loss"] / count,
            "mse": mse,
            "rmse": math.sqrt(mse),
            "mae": sums["absolute"] / count,
        }
        if "scaled" in sums:
            metrics["mase"] = sums["scaled"] / count
        return metrics


class Classification(Objective):
    """Classes or tokens, cross-entropy in nats.

    `class_weights` and `label_smoothing` (Szegedy et al. 2016: so much of the target is spread
    evenly over all classes) act in training only. counted_classes: how many there are, where it is
    counted how well each is found.
    """

    def __init__(
        self,
        class_weights: Tensor | None = None,
        language: bool = False,
        counted_classes: int | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        self.class_weights, self.language = class_weights, language
        self.counted_classes, self.label_smoothing = counted_classes, label_smoothing

    def loss(self, output_MO: Tensor, target: Tensor, mask_M: Tensor | None) -> Tensor:
        weights, smoothing = self.class_weights, self.label_smoothing
        if weights is not None:
            weights = weights.to(output_MO)
        loss = partial(F.cross_entropy, output_MO, target, weights, label_smoothing=smoothing)
        if mask_M is None:
            return loss(reduction="sum")
        return (loss(reduction="none") * mask_M).sum()

    @torch.no_grad()
    def sums(self, output_MO: Tensor, target: Tensor, mask_M: Tensor | None) -> dict[str, float]:
        mask = torch.ones_like(target) if mask_M is None else mask_M
        loss_M = F.cross_entropy(output_MO, target, reduction="none") * mask
        correct_M = (output_MO.argmax(-1) == target) * mask
        return {"loss": float(loss_M.double().sum()), "correct": float(correct_M.sum())}

    @torch.no_grad()
    def class_counts(
        self, output_MO: Tensor, target: Tensor, mask_M: Tensor | None
    ) -> NDArray[np.int64] | None:
        if self.counted_classes is None:
            return None
        target_M, answer_M = target.cpu().numpy(), output_MO.argmax(-1).cpu().numpy()
        if mask_M is not None:
            counted_M = mask_M.cpu().numpy() > 0
            target_M, answer_M = target_M[counted_M], answer_M[counted_M]
        return class_counts(target_M, answer_M, self.counted_classes)

    def metrics(self, sums: Mapping[str, float], count: int) -> dict[str, float]:
        loss = sums["loss"] / count
        metrics = {"loss": loss, "accuracy": sums["correct"] / count}
        if self.language:
            metrics["perplexity"] = math.exp(min(loss, 700.0))
            metrics["bits_per_unit"] = loss / math.log(2)
        return metrics


def own_units(scaler: Scaler | None, values: Tensor) -> NDArray[np.float64]:
    """Scaled values (..., O) in the units of the data."""
    array = values.detach().double().cpu().numpy()
    return array if scaler is None else scaler.invert(array)
