"""How much memory a training will ask for, before it asks."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import torch

from rnnexp.config.config import Config
from rnnexp.config.training_settings import Backpropagation, Checkpointed, Optimizer, Truncated
from rnnexp.data.dataset import Dataset
from rnnexp.data.memory import check_memory
from rnnexp.errors import EnvironmentMissingError, MemoryExceededError, Position
from rnnexp.layers.shapes import LayerPlan

__all__ = [
    "autocast",
    "autocast_as_now",
    "check_training_memory",
    "choose_device",
    "choose_threads",
    "depth_of",
    "keep_freed_memory",
    "out_of_memory",
    "training_bytes",
]


# Where to compute, with how many threads, in which precision, and how memory is asked for.


def choose_device(asked: str, position: Position | None = None) -> torch.device:
    """The device for `training.device`.

    Raises:
        EnvironmentMissingError: a GPU is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if asked == "cuda" and not available:
        raise EnvironmentMissingError(
            "training.device is cuda, but this machine has no usable GPU",
            code="ENV101",
            position=position,
            key="training.device",
            value="cuda",
            allowed="auto, cpu (devices found: cpu)",
            hint="train on the CPU with training.device=cpu",
        )
    return torch.device("cuda" if available and asked != "cpu" else "cpu")


def choose_threads(asked: int | str, largest_layer: int, batch_size: int) -> int:
    """CPU threads: as asked, or by a rule from shapes and cores, never from a timing.

    `largest_layer` is the largest H. Under 2**11 entries of state per time step starting a thread
    costs more than a second core brings (docs/performance.md).
    """
    if isinstance(asked, int):
        return asked
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, 8) if largest_layer * batch_size >= 2**11 else 1


@contextmanager
def autocast(device: torch.device, precision: str) -> Iterator[None]:
    """Matrix products in bfloat16 where that is asked for; weights stay float32."""
    if precision == "float32":
        yield
        return
    with _onednn_only_where_it_can(device), torch.autocast(device.type, dtype=torch.bfloat16):
        yield


def autocast_as_now(device: torch.device) -> Callable[[], AbstractContextManager[None]]:
    """`autocast` as it is in force here, for what is computed again elsewhere."""
    now = "bfloat16" if torch.is_autocast_enabled(device.type) else "float32"
    return partial(autocast, device, now)


@contextmanager
def _onednn_only_where_it_can(device: torch.device) -> Iterator[None]:
    """oneDNN's LSTM raises on a CPU without bfloat16 instructions; torch's own loop does not."""
    before = torch._C._get_mkldnn_enabled()
    if device.type == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        torch._C._set_mkldnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(before)


@contextmanager
def out_of_memory() -> Iterator[None]:
    """Say what an allocation that failed means.

    Raises:
        MemoryExceededError: in place of the three ways in which Python and torch say it.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        told = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not told and "can't allocate memory" not in str(error):
            raise
        raise MemoryExceededError(
            "this machine has not enough memory for what the experiment needs",
            code="MEM102",
            hint="smaller model.hidden_sizes or training.batch_size, or truncated training.bptt;"
            " rnnexp plan estimates the need",
        ) from error


def keep_freed_memory() -> None:
    """Have glibc keep freed blocks instead of giving them back to the kernel at every step.

    A training step frees and asks for the same megabytes each time; above the default thresholds
    the kernel would zero the pages anew. No effect on other C libraries.
    """
    M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 1 << 30)
        mallopt(M_TRIM_THRESHOLD, 1 << 30)
        mallopt(M_TOP_PAD, 64 << 20)


# How much memory a training will ask for, before it asks.

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
