"""How much memory a training will ask for, before it asks."""

from __future__ import annotations

from collections.abc import Iterable

from rnnexp.config.schema.training import Optimizer, Truncated
from rnnexp.layers.shape_plan import LayerPlan

__all__ = ["depth_of", "training_bytes"]

FLOAT = 4


def training_bytes(
    layers: Iterable[LayerPlan], optimizer: Optimizer, batch_size: int, depth: int
) -> int:
    """About how many bytes weights, gradients, optimizer and `depth` time steps of state take."""
    slots = {"sgd": 1, "rmsprop": 1, "adam": 2, "adamw": 2}[optimizer.name]
    weights = sum(layer.parameters for layer in layers)
    stored = sum(layer.stored for layer in layers)
    # Half as much again for the gradients of what is stored, alive while they flow back.
    return FLOAT * (weights * (2 + slots) + batch_size * depth * stored * 3 // 2)


def depth_of(bptt: str | Truncated, time_steps: int) -> int:
    """How many time steps the gradient's graph holds at once."""
    return min(bptt.k2, time_steps) if isinstance(bptt, Truncated) else time_steps
