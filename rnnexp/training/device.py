"""Where to compute, with how many threads, in which precision, and how memory is asked for."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import torch

from rnnexp.errors import EnvironmentMissingError, MemoryExceededError, Position

__all__ = [
    "autocast",
    "autocast_as_now",
    "choose_device",
    "choose_threads",
    "keep_freed_memory",
    "out_of_memory",
]


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
