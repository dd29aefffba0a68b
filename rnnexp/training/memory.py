"""How much memory a training will ask for, before it asks."""

from __future__ import annotations

from collections.abc import Sequence

from rnnexp.config.config import Config
from rnnexp.config.schema.training import Backpropagation, Checkpointed, Optimizer, Truncated
from rnnexp.data.dataset import Dataset
from rnnexp.data.memory import check_memory
from rnnexp.layers.shape_plan import LayerPlan

__all__ = ["check_training_memory", "depth_of", "training_bytes"]

FLOAT = 4
ANSWERS = ("pool", "output")
"""what is read at every step however BPTT is run"""


def training_bytes(
    layers: Sequence[LayerPlan],
    optimizer: Optimizer,
    batch_size: int,
    bptt: Backpropagation,
    time_steps: int,
) -> int:
    """About how many bytes weights, gradients, optimizer and the gradient's graph take."""
    slots = {"sgd": 1, "rmsprop": 1, "adam": 2, "adamw": 2}[optimizer.name]
    weights = sum(layer.parameters for layer in layers)
    depth = depth_of(bptt, time_steps)
    stored = depth * sum(layer.stored for layer in layers)
    if isinstance(bptt, Checkpointed):
        answers = sum(layer.stored for layer in layers if layer.name in ANSWERS)
        stored += (time_steps - depth) * answers
    # Half as much again for the gradients of what is stored, alive while they flow back.
    return FLOAT * (weights * (2 + slots) + batch_size * stored * 3 // 2)


def depth_of(bptt: Backpropagation, time_steps: int) -> int:
    """How many time steps the gradient's graph holds at once: those of a segment, and the borders
    of all the others, where BPTT is full but keeps only those.
    """
    if isinstance(bptt, Truncated):
        return min(bptt.k2, time_steps)
    if isinstance(bptt, Checkpointed):
        return min(bptt.checkpoint_every + time_steps // bptt.checkpoint_every, time_steps)
    return time_steps


def check_training_memory(config: Config, dataset: Dataset, layers: tuple[LayerPlan, ...]) -> None:
    """Refuse a training that cannot fit, before any tensor is made.

    Raises:
        MemoryExceededError: the estimate is more than there is.
    """
    training = config.experiment.training
    batch_size = min(training.batch_size, len(dataset.train))
    check_memory(
        training_bytes(layers, training.optimizer, batch_size, training.bptt, dataset.time_steps),
        "training",
        config.where("model.hidden_sizes"),
        "model.hidden_sizes",
        "smaller model.hidden_sizes or training.batch_size, or a training.bptt that is truncated"
        " or has a checkpoint_every",
    )
