"""The generated tasks, held against their definitions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from rnnexp.data.dataset import Dataset

FEW = {"train": 300, "val": 40, "test": 50}
TASKS = [
    ("adding", "many_to_one"),
    ("copy_memory", "many_to_many"),
    ("temporal_order", "many_to_one"),
    ("temporal_order", "many_to_many"),
    ("delayed_echo", "many_to_many"),
    ("running", "many_to_many"),
    ("waveforms", "one_to_many"),
]


@pytest.mark.parametrize(("source", "kind"), TASKS)
def test_splits_are_independent_and_repeatable(make: Any, source: str, kind: str) -> None:
    dataset: Dataset = make({"source": source, **FEW}, kind)
    again: Dataset = make({"source": source, **FEW, "train": 100}, kind)
    other: Dataset = make({"source": source, **FEW, "seed": 1}, kind)
    assert [len(dataset.split(name)) for name in ("train", "val", "test")] == [300, 40, 50]
    assert (dataset.test.inputs == again.test.inputs).all()  # whatever the size of training
    assert not np.array_equal(dataset.test.targets, other.test.targets)
    assert not np.array_equal(dataset.train.targets[:40], dataset.val.targets)


def test_adding(make: Any) -> None:
    for length in (2, 3, 11):
        dataset = make({"source": "adding", "length": length, **FEW, "train": 4000})
        values, markers = np.moveaxis(dataset.train.inputs, 2, 0)
        half = length // 2
        assert (markers[:, :half].sum(axis=1) == 1).all()
        assert (markers[:, half:].sum(axis=1) == 1).all()
        assert set(np.unique(markers)) <= {0, 1}
        np.testing.assert_allclose((values * markers).sum(axis=1), dataset.train.targets[:, 0])
        assert 0 <= values.min() < 0.01
        assert 0.99 < values.max() < 1
        assert (markers.sum(axis=0) > 0).all()  # every step is marked somewhere
        # 4,000 sums: the variance is known to about 1/6 * sqrt(2.4 / 4000) = 0.004
        assert dataset.train.targets.var() == pytest.approx(1 / 6, abs=0.016)
    assert dataset.know_nothing["mse"] == 1 / 6


def test_copy_memory(make: Any) -> None:
    options = {"source": "copy_memory", "delay": 7, "symbols": 3, "alphabet": 5}
    dataset = make({**options, **FEW}, "many_to_many")
    x, y = dataset.train.inputs, dataset.train.targets
    assert x.shape == y.shape == (300, 13)
    assert set(np.unique(x[:, :3])) == {1, 2, 3, 4, 5}
    assert (x[:, 3:9] == 0).all()
    assert (x[:, 9] == 6).all()
    assert (x[:, 10:] == 0).all()
    assert (y[:, :10] == 0).all()
    assert (y[:, 10:] == x[:, :3]).all()
    assert (dataset.inputs.size, dataset.outputs.size) == (7, 6)
    assert dataset.know_nothing["loss"] == pytest.approx(3 * math.log(5) / 13)
    assert dataset.know_nothing["accuracy"] == pytest.approx((10 + 3 / 5) / 13)


def test_the_know_nothing_of_the_published_copy_task(make: Any) -> None:
    dataset = make({"source": "copy_memory", "delay": 1000, **FEW}, "many_to_many")
    assert dataset.record["T"] == 1020
    assert dataset.know_nothing["loss"] == pytest.approx(0.020386, abs=1e-6)


@pytest.mark.parametrize("length", [10, 13, 100])
def test_temporal_order(make: Any, length: int) -> None:
    dataset = make({"source": "temporal_order", "length": length, **FEW})
    names = np.array(dataset.inputs.vocabulary.units)
    firsts, seconds = set(), set()
    for row, target in zip(names[dataset.train.inputs], dataset.train.targets, strict=True):
        assert (row[0], row[-1]) == ("E", "B")
        places = np.flatnonzero(np.isin(row, ["X", "Y"]))
        assert len(places) == 2
        assert "".join(row[places]) == dataset.outputs.vocabulary.units[target]
        firsts.add(int(places[0]))
        seconds.add(int(places[1]))
        rest = np.delete(row, [0, *places, length - 1])
        assert set(rest) <= {"a", "b", "c", "d"}
    assert set(dataset.train.targets) == {0, 1, 2, 3}
    if length == 100:
        assert firsts == set(range(10, 20))
        assert seconds == set(range(50, 60))


def test_delayed_echo(make: Any) -> None:
    options = {"source": "delayed_echo", "length": 9, "delay": 4, "alphabet": 3}
    dataset = make({**options, **FEW}, "many_to_many")
    x, y = dataset.train.inputs, dataset.train.targets
    assert (y[:, 4:] == x[:, :5]).all()
    assert dataset.train.mask.tolist() == [[False] * 4 + [True] * 5] * 300
    assert set(np.unique(x)) == {0, 1, 2}
    assert dataset.know_nothing["loss"] == math.log(3)


def test_sine_mixture_is_a_sum_of_so_many_waves(make: Any) -> None:
    """Without noise, K waves obey a linear recurrence over 2K steps, and none over fewer."""
    options = {"source": "sine_mixture", "noise": 0.0, "waves": 2, "length": 2000, "seed": 3}
    errors = []
    for window in (4, 3):
        part = make({**options, "window": window, "scale": "none"}).train
        x, y = part.inputs[:, :, 0].astype(float), part.targets[:, 0].astype(float)
        errors.append(np.abs(x @ np.linalg.lstsq(x, y)[0] - y).max())
    assert errors[0] < 1e-4
    assert errors[1] > 1e-2


def test_sine_mixture_noise(make: Any) -> None:
    options = {"source": "sine_mixture", "scale": "none", "window": 1, "length": 20_000}
    clean = make({**options, "noise": 0.0}).train.targets
    noisy = make({**options, "noise": 0.5}).train.targets
    assert (noisy - clean).std() == pytest.approx(0.5, rel=0.03)


def test_waveforms(make: Any) -> None:
    options = {"source": "waveforms", "length": 12, "period": 8, "noise": 0.0}
    dataset = make({**options, **FEW}, "one_to_many")
    r = math.sqrt(0.5)
    period: dict[str, list[float]] = {
        "sine": [0, r, 1, r, 0, -r, -1, -r],
        "square": [1, 1, 1, 1, -1, -1, -1, -1],
        "sawtooth": [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75],
        "triangle": [-1, -0.5, 0, 0.5, 1, 0.5, 0, -0.5],
    }
    for label, wave in zip(dataset.train.inputs, dataset.train.targets, strict=True):
        expected = period[dataset.inputs.vocabulary.units[label]]
        np.testing.assert_allclose(wave[:, 0], expected + expected[:4], atol=1e-6)
    assert set(dataset.train.inputs.tolist()) == {0, 1, 2, 3}


def test_more_than_fits_in_memory_is_refused(refused: Any) -> None:
    huge = {"source": "adding", "length": 100_000, "train": 10_000_000}
    assert "10,002,000 examples" in refused(huge, exit_code=9).message


def test_running_parity_and_sum(make: Any) -> None:
    parity = make({"source": "running", "length": 9, **FEW}, "many_to_many")
    x, y = parity.train.inputs, parity.train.targets
    assert set(np.unique(x)) == {0, 1}
    for t in range(9):
        assert (y[:, t] == x[:, : t + 1].sum(axis=1) % 2).all()
    assert parity.know_nothing == {"loss": math.log(2), "accuracy": 0.5}
    options = {"source": "running", "operation": "sum", "length": 9, **FEW, "train": 4000}
    total = make(options, "many_to_many")
    np.testing.assert_allclose(
        total.train.targets[:, -1], total.train.inputs.sum(axis=1), atol=1e-5
    )
    # 36,000 sums, correlated within an example: the mean square is known to about 2 %
    assert (total.train.targets**2).mean() == pytest.approx(10 / 18, rel=0.08)
    assert total.know_nothing["mse"] == 10 / 18
