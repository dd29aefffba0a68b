"""Ids that lie in a file: windows of them are read when they are asked for.

Shape letters: S ids of the stream, N windows, T time steps of a window. They are read with
`pread`: what is mapped into memory would count as memory of the process.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rnnexp.data.dataset import Ints, Sequences
from rnnexp.errors import DataError, Position

__all__ = ["StoredIds", "StoredWindows", "consecutive"]


class StoredIds:
    """(S,) ids in a file that stays open for as long as this lives."""

    def __init__(self, path: Path, dtype: np.dtype[Any], count: int) -> None:
        self.path, self.dtype, self.count = path, dtype, count
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        weakref.finalize(self, os.close, self._file)

    def __len__(self) -> int:
        return self.count

    def read(self, start: int, count: int) -> NDArray[Any]:
        """(count,) ids from place `start` on.

        Raises:
            DataError: the file was cut while it was in use.
        """
        size = self.dtype.itemsize
        raw = os.pread(self._file, count * size, start * size)
        if len(raw) < count * size:
            raise DataError(
                f"the file ends at byte {start * size + len(raw):,}: it was cut while in use",
                code="DAT173",
                position=Position(str(self.path)),
                hint="run again: the text is then encoded anew",
            )
        return np.frombuffer(raw, self.dtype)


@dataclass(frozen=True)
class StoredWindows:
    """(N, T) int64: the ids `start`..`stop`-1 cut into windows, the last one padded with zeros.

    It is indexed like an array: by rows (a slice, an array, a number), and by a slice of steps.
    """

    ids: StoredIds
    start: int
    stop: int
    window: int

    @property
    def shape(self) -> tuple[int, int]:
        return -(-(self.stop - self.start) // self.window), self.window

    @property
    def dtype(self) -> np.dtype[np.int64]:
        return np.dtype(np.int64)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Ints:
        rows, steps = key if isinstance(key, tuple) else (key, slice(None))
        if isinstance(rows, slice) and rows.step in (None, 1):
            windows = self._run(*rows.indices(len(self))[:2])
        elif isinstance(rows, slice):
            windows = self._each(np.arange(*rows.indices(len(self))))
        else:
            windows = self._each(np.atleast_1d(rows))
        return windows[0, steps] if isinstance(rows, int | np.integer) else windows[:, steps]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)

    def _run(self, first: int, last: int) -> Ints:
        """Windows that follow each other, in one go."""
        windows = np.zeros((max(last - first, 0), self.window), np.int64)
        begin = self.start + first * self.window
        count = min(windows.size, self.stop - begin)
        windows.reshape(-1)[:count] = self.ids.read(begin, count)
        return windows

    def _each(self, rows: Ints) -> Ints:
        windows = np.zeros((len(rows), self.window), np.int64)
        for window, row in zip(windows, rows.tolist(), strict=True):
            begin = self.start + row * self.window
            count = min(self.window, self.stop - begin)
            window[:count] = self.ids.read(begin, count)
        return windows


@dataclass(frozen=True)
class Computed:
    """(N,) whole numbers that follow from their place, so that none is stored."""

    count: int
    of: Callable[[Ints], Ints]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, key: Any) -> Ints:
        rows, *axes = key if isinstance(key, tuple) else (key,)
        numbers = self.of(np.arange(*rows.indices(self.count)) if isinstance(rows, slice) else rows)
        return numbers[(slice(None), *axes)] if axes else numbers

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)


def consecutive(ids: StoredIds, start: int, stop: int, window: int) -> Sequences:
    """`windows.consecutive` with horizon 1, of which nothing is held in memory."""
    first = max(start, 1)
    stop = max(stop, first)
    targets = StoredWindows(ids, first, stop, window)
    lengths = Computed(len(targets), lambda rows: np.minimum(window, stop - first - window * rows))
    # They stand in for arrays: whoever walks a whole split does it with `Sequences.pieces`.
    return Sequences(
        inputs=cast(Ints, StoredWindows(ids, first - 1, stop - 1, window)),
        targets=cast(Ints, targets),
        lengths=cast(Ints, lengths) if (stop - first) % window else None,
        origin=cast(Ints, Computed(len(targets), lambda rows: first + window * rows)),
    )
