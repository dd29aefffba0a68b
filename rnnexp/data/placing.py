"""Batches brought to the device that trains on them, the next one while this one is trained on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from torch import Tensor

from rnnexp.data.batches import Batch

__all__ = ["Copier", "SideStream", "ahead", "placed"]


class Copier(Protocol):
    """Copies batches beside the work of the device."""

    def begin(self, batch: Batch) -> Batch:
        """Start the copy; what is returned may be read once `wait` has been called with it."""

    def wait(self, batch: Batch) -> Batch:
        """The same batch; work that is given to the device from now on finds it there."""


def placed(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """The batches on the device; in the memory of the CPU they already are."""
    return batches if device.type == "cpu" else ahead(batches, SideStream(device))


def ahead(batches: Iterator[Batch], copier: Copier) -> Iterator[Batch]:
    """Every batch in order; the copy of the next one is begun before one is handed out."""
    copying = None
    for batch in batches:
        begun = copier.begin(batch)
        if copying is not None:
            yield copier.wait(copying)
        copying = begun
    if copying is not None:
        yield copier.wait(copying)


class SideStream:
    """Copies from pinned memory on a stream of its own; waited for in the order of the begins."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.stream = device, torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._copied = deque[torch.cuda.Event]()

    def begin(self, batch: Batch) -> Batch:
        beside: AbstractContextManager[Any] = torch.cuda.stream(self.stream)
        with beside:
            copy = batch.to(self.device)
            self._copied.append(self.stream.record_event())
        return copy

    def wait(self, batch: Batch) -> Batch:
        current = torch.cuda.current_stream(self.device)
        current.wait_event(self._copied.popleft())
        for value in vars(batch).values():
            if isinstance(value, Tensor):
                value.record_stream(current)  # its memory is the side stream's: not free before
        return batch
