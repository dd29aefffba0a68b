"""How much memory a training will ask for, before it asks."""

from __future__ import annotations

import os
from collections.abc import Iterable

from rnnexp.config.schema.training import Optimizer, Truncated
from rnnexp.errors import MemoryExceededError
from rnnexp.layers.shape_plan import LayerPlan

__all__ = ["available_bytes", "refuse_beyond", "training_bytes"]

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


def available_bytes() -> int:
    """The machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def refuse_beyond(needed: int, available: int) -> None:
    """Raises:
    MemoryExceededError: the estimate is larger than the machine's memory.
    """
    if needed <= available:
        return
    gib = 2**30
    raise MemoryExceededError(
        f"training needs about {needed / gib:.1f} GiB, this machine has {available / gib:.1f} GiB",
        code="MEM101",
        hint="smaller model.hidden_sizes or training.batch_size, or truncated training.bptt",
    )
