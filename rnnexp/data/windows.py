"""Cutting one long series into examples.

Shape letters: S steps of the series, T time steps of a window, F features, N windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rnnexp.data.dataset import Floats, Sequences

__all__ = ["consecutive", "joined", "overlapping", "recut"]


def overlapping(  # noqa: PLR0917
    series: Floats,
    start: int,
    stop: int,
    window: int,
    horizon: int,
    answers: Floats | None = None,
) -> Sequences:
    """One window (T, F) per target t in start..stop-1: its last input is step t - horizon.

    Inputs may reach back before `start`; targets whose window would begin before the series are
    left out. The inputs are a read-only view of the series (S, F): nothing is copied.
    answers: (S, O) what is predicted, where it is not the series itself.
    """
    first = max(start, window - 1 + horizon)
    stop = max(stop, first)
    windows_NTF = sliding_window_view(series, window, axis=0).transpose(0, 2, 1)
    begin = first - horizon - window + 1
    return Sequences(
        inputs=windows_NTF[begin : begin + stop - first],
        targets=(series if answers is None else answers)[first:stop],
        origin=np.arange(first, stop),
    )


def consecutive(  # noqa: PLR0917
    series: NDArray[Any],
    start: int,
    stop: int,
    window: int,
    horizon: int,
    answers: NDArray[Any] | None = None,
) -> Sequences:
    """Windows that follow each other without overlap: each target start..stop-1 exactly once.

    At every step the input is the series (S,) or (S, F) `horizon` steps before the target. The
    last window may be shorter; `lengths` says so.
    """
    first = max(start, horizon)
    stop = max(stop, first)
    origin = np.arange(first, stop, window)
    short = (stop - first) % window != 0
    return Sequences(
        inputs=_cut(series[first - horizon : stop - horizon], window),
        targets=_cut((series if answers is None else answers)[first:stop], window),
        lengths=np.minimum(window, stop - origin) if short else None,
        origin=origin,
    )


def joined(parts: Sequence[Sequences], begins: Sequence[int]) -> Sequences:
    """The windows of several series that begin at these steps of one long one; a single series
    stays a view.
    """
    if len(parts) == 1:
        return parts[0]
    lengths = None
    if any(part.lengths is not None for part in parts):
        full = parts[0].inputs.shape[1]
        lengths = np.concatenate(
            [np.full(len(p), full) if p.lengths is None else p.lengths for p in parts]
        )
    origins = (part.origin for part in parts)
    moved = [o + begin for o, begin in zip(origins, begins, strict=True) if o is not None]
    return Sequences(
        inputs=np.concatenate([part.inputs for part in parts]),
        targets=np.concatenate([part.targets for part in parts]),
        lengths=lengths,
        origin=np.concatenate(moved),
    )


def recut(split: Sequences, window: int) -> Sequences:
    """Consecutive windows cut anew, `window` steps long: each target still exactly once."""
    old = split.inputs.shape[1]
    lengths = np.full(len(split), old) if split.lengths is None else split.lengths
    valid_NT = np.arange(old) < lengths[:, None]
    inputs, targets = split.inputs[valid_NT], split.targets[valid_NT]
    begins = np.arange(0, len(inputs), window)
    return Sequences(
        _cut(inputs, window),
        _cut(targets, window),
        np.minimum(window, len(inputs) - begins) if len(inputs) % window else None,
        origin=None if split.origin is None else split.origin[0] + begins,
    )


def _cut(steps: NDArray[Any], window: int) -> NDArray[Any]:
    """Rows (N, T, ...) of a stretch (S, ...), the last one padded with zeros."""
    missing = -len(steps) % window
    if missing:
        steps = np.concatenate([steps, np.zeros((missing, *steps.shape[1:]), steps.dtype)])
    return steps.reshape(-1, window, *steps.shape[1:])
