from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rnnexp.data.splits import consecutive, overlapping

sizes = {
    "steps": st.integers(20, 60),
    "share": st.floats(0.1, 0.9),
    "window": st.integers(1, 12),
    "horizon": st.integers(1, 6),
}


@given(**sizes)
def test_overlapping_windows_reach_each_target_once(
    steps: int, share: float, window: int, horizon: int
) -> None:
    series = np.arange(steps, dtype=np.float32)[:, None]
    cut = round(steps * share)
    parts = [overlapping(series, *ends, window, horizon) for ends in ((0, cut), (cut, steps))]
    targets = np.concatenate([part.targets[:, 0] for part in parts])
    assert targets.tolist() == list(range(window - 1 + horizon, steps))
    for part in parts:
        expected = part.targets - horizon - np.arange(window)[::-1]
        assert (part.inputs[:, :, 0] == expected).all()
        assert part.origin is not None
        assert (part.origin == part.targets[:, 0]).all()


@given(**sizes)
def test_consecutive_windows_predict_each_step_once(
    steps: int, share: float, window: int, horizon: int
) -> None:
    series = np.arange(1, steps + 1)
    cut = round(steps * share)
    targets: list[int] = []
    for start, stop in ((0, cut), (cut, steps)):
        part = consecutive(series, start, stop, window, horizon)
        full = np.full(len(part), window)
        lengths = full if part.lengths is None else part.lengths
        assert (lengths[:-1] == window).all()
        valid = np.arange(window) < lengths[:, None]
        assert (part.targets[valid] - part.inputs[valid] == horizon).all()
        assert (part.targets[~valid] == 0).all()
        assert (part.inputs[~valid] == 0).all()
        assert part.origin is not None
        assert (series[part.origin] == part.targets[:, 0]).all()
        targets += part.targets[valid].tolist()
    assert targets == series[horizon:].tolist()


def test_overlapping_windows_are_not_copied() -> None:
    series = np.zeros((1000, 2), dtype=np.float32)
    part = overlapping(series, 0, 1000, 100, 1)
    assert part.inputs.shape == (900, 100, 2)
    assert np.shares_memory(part.inputs, series)
    assert not part.inputs.flags.writeable


def test_a_part_without_a_whole_window_is_empty() -> None:
    series = np.zeros((20, 1), dtype=np.float32)
    assert len(overlapping(series, 0, 5, 10, 1)) == 0
    assert len(consecutive(series, 7, 7, 3, 1)) == 0
