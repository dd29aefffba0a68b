"""Gradients from the loss alone: central differences, extrapolated (Richardson 1911).

dL/dw = (4 D(e/2) - D(e)) / 3 + O(e^4),   D(e) = (L(w + e) - L(w - e)) / 2e
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnnexp.gradients.transcribe import parameters
from rnnexp.layers.network import Network
from rnnexp.manual.hand_cells import Array

__all__ = ["Difference", "check"]

LIMIT = 1e-6
"""relative to the tensor's largest gradient"""
STEPS = (1e-4, 1e-5, 1e-6)


@dataclass(frozen=True)
class Difference:
    """One tensor: how many entries were tried, the largest difference to the gradient by hand.

    relative: to the tensor's largest gradient. unresolved: entries whose own difference quotient
    is less certain than the limit (kinks, gradients lost in the rounding of the loss).
    """

    tensor: str
    tried: int
    relative: float
    unresolved: int

    @property
    def passed(self) -> bool:
        return self.relative <= LIMIT


def check(
    network: Network, loss: Callable[[], float], gradients: dict[str, Array], entries: int
) -> Iterator[Difference]:
    """Compares at most `entries` entries of each float64 parameter; the largest is among them.

    loss: the loss of the network as it stands; its weights are moved and put back.
    """
    tensors = dict(network.named_parameters())
    for parameter in parameters(network):
        weights, gradient = tensors[parameter.name], gradients[parameter.label].reshape(-1)
        worst, unresolved = 0.0, 0
        largest = float(np.abs(gradient).max()) or 1.0
        chosen = _entries(gradient, entries)
        for index in chosen:
            found, doubt = _derivative(weights, index, loss, LIMIT * largest)
            if doubt > LIMIT * largest:
                unresolved += 1
            else:
                worst = max(worst, abs(found - float(gradient[index])) / largest)
        yield Difference(parameter.label, len(chosen), worst, unresolved)


def _entries(gradient: Array, count: int) -> list[int]:
    """The entry with the largest gradient, then entries spread evenly over the tensor."""
    spread = np.linspace(0, len(gradient) - 1, min(count, len(gradient))).astype(int)
    return list(dict.fromkeys([int(np.abs(gradient).argmax()), *spread.tolist()]))[:count]


@torch.no_grad()
def _derivative(
    weights: Tensor, index: int, loss: Callable[[], float], wanted: float
) -> tuple[float, float]:
    """dL/dw of one entry and how far it may be off: smaller steps until that is below `wanted`."""
    entry = weights.view(-1)[index : index + 1]
    before = float(entry)
    found = doubt = float("inf")
    for step in STEPS:
        quotient, error = _extrapolated(entry, before, step * max(1.0, abs(before)), loss)
        if error < doubt:
            found, doubt = quotient, error
        if doubt <= wanted:
            break
    entry.fill_(before)
    return found, doubt


def _extrapolated(
    entry: Tensor, before: float, step: float, loss: Callable[[], float]
) -> tuple[float, float]:
    """The extrapolated quotient; its two parts differ by more than its own error."""
    slopes, level = [], 0.0
    for e in (step, step / 2):
        up, down = _at(entry, before + e, loss), _at(entry, before - e, loss)
        slopes.append((up - down) / (2 * e))
        level = max(level, abs(up), abs(down))
    wide, narrow = slopes
    rounding = 4 * float(np.finfo(np.float64).eps) * level / step
    return (4 * narrow - wide) / 3, abs(narrow - wide) + rounding


def _at(entry: Tensor, value: float, loss: Callable[[], float]) -> float:
    entry.fill_(value)
    return loss()
