"""How much memory a training will ask for, before it asks."""

from __future__ import annotations

from collections.abc import Iterable

from rnnexp.config.config import Config
from rnnexp.config.schema.training import Optimizer, Truncated
from rnnexp.data.dataset import Dataset
from rnnexp.data.memory import check_memory
from rnnexp.layers.shape_plan import LayerPlan

__all__ = ["check_training_memory", "depth_of", "training_bytes"]

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


def check_training_memory(config: Config, dataset: Dataset, layers: tuple[LayerPlan, ...]) -> None:
    """Refuse a training that cannot fit, before any tensor is made.

    Raises:
        MemoryExceededError: the estimate is more than there is.
    """
    training = config.experiment.training
    depth = depth_of(training.bptt, dataset.time_steps)
    batch_size = min(training.batch_size, len(dataset.train))
    check_memory(
        training_bytes(layers, training.optimizer, batch_size, depth),
        "training",
        config.where("model.hidden_sizes"),
        "model.hidden_sizes",
        "smaller model.hidden_sizes or training.batch_size, or truncated training.bptt",
    )
