"""Free-running and teacher-forced forecasts of real splits, and the intervals from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnexp.config.config import Config
from rnnexp.data.prepare import prepare
from rnnexp.inference.exposure import exposure_gap, forecast_from, starts_in
from rnnexp.inference.forecast import LEAST_RESIDUALS, intervals_of
from rnnexp.training.experiment import assemble

SERIES = {"source": "sunspots", "window": 9}


def made(make_config: object, kind: str, **data: object) -> Config:
    config = make_config(  # type: ignore[operator]
        data=SERIES | data,
        task={"kind": kind},
        model={"hidden_sizes": (6,)},
        training={"epochs": 1},
    )
    assert isinstance(config, Config)
    return config


@pytest.mark.parametrize("kind", ["many_to_one", "many_to_many"])
@pytest.mark.parametrize("horizon", [1, 3])
def test_starts_lie_in_their_split_and_nothing_beyond_is_seen(
    make_config: object, kind: str, horizon: int
) -> None:
    config = made(make_config, kind, horizon=horizon)
    dataset = prepare(config)
    assert dataset.history is not None and dataset.val.origin is not None
    series = dataset.history.values
    begin, end = int(dataset.val.origin[0]), int(dataset.test.origin[0])  # type: ignore[index]
    starts = starts_in(config, dataset, "val", 12, 10, whole=False)
    assert starts is not None
    assert starts.truth.shape[0] == 12
    # Every target of the part is one start's first step, and that of no other part.
    assert np.array_equal(starts.truth[0], series[begin:end])
    assert np.array_equal(starts.known[-1], series[begin - 1 : end - 1])
    assert np.isfinite(starts.truth[:, 0]).all() and np.isnan(starts.truth[1:, -1]).all()
    assert np.isfinite(starts.truth).sum() == sum(min(12, end - s) for s in range(begin, end))


@pytest.mark.parametrize("kind", ["many_to_one", "many_to_many"])
def test_the_first_steps_are_the_same_and_forcing_matters_later(
    make_config: object, kind: str
) -> None:
    experiment = assemble(made(make_config, kind, horizon=2))
    config, network, dataset = experiment.config, experiment.network.eval(), experiment.dataset
    starts = starts_in(config, dataset, "test", 6, 10, whole=True)
    assert starts is not None
    forced, free = (forecast_from(config, network, starts, forced=how) for how in (True, False))
    # Up to the horizon nothing that was forecast is read; the same sums in other batches: 1e-5.
    assert np.allclose(forced[:2], free[:2], atol=1e-5)
    assert not np.allclose(forced[2:], free[2:], atol=1e-3)


def test_teacher_forced_forecasts_are_those_of_the_split(make_config: object) -> None:
    """The last target of each start, forecast from true values, is what evaluation forecasts."""
    experiment = assemble(made(make_config, "many_to_one"))
    config, network, dataset = experiment.config, experiment.network.eval(), experiment.dataset
    starts = starts_in(config, dataset, "val", 1, 10, whole=True)
    assert starts is not None
    ours = forecast_from(config, network, starts, forced=True)[0]
    with torch.no_grad():
        windows = torch.from_numpy(dataset.val.inputs.swapaxes(0, 1).copy())
        theirs = network(windows)[0].numpy()
    assert np.allclose(ours, theirs, atol=1e-6)  # float32, other batch sizes


def test_the_gap_is_in_own_units_and_as_long_as_asked(make_config: object) -> None:
    experiment = assemble(made(make_config, "many_to_one"))
    arguments = experiment.config, experiment.network.eval(), experiment.dataset, "test"
    gap = exposure_gap(*arguments, 5)
    assert gap is not None
    assert gap["steps"] == [1, 2, 3, 4, 5]
    assert gap["ratio"][0] == pytest.approx(1)
    assert gap["free_running_rmse"][4] > 5  # sunspots, untrained: tens, not scaled ones
    few = exposure_gap(*arguments, 10_000)
    assert few is not None and few["starts"] >= 10


def test_intervals_hold_their_share_of_the_residuals(make_config: object) -> None:
    experiment = assemble(made(make_config, "many_to_one"))
    config, network, dataset = experiment.config, experiment.network.eval(), experiment.dataset
    record = intervals_of(config, network, dataset)
    assert record is not None
    assert record["residuals"][-1] == LEAST_RESIDUALS
    starts = starts_in(config, dataset, "val", len(record["low"]), LEAST_RESIDUALS, whole=False)
    assert starts is not None
    error = starts.truth - forecast_from(config, network, starts, forced=False)
    inside = (error >= np.array(record["low"])[:, None]) & (
        error <= np.array(record["high"])[:, None]
    )
    share = inside.sum(axis=(1, 2)) / np.array(record["residuals"])
    # 90 % up to the two residuals that an interpolated quantile falls between.
    assert (np.abs(share - 0.9) <= 2 / np.array(record["residuals"])).all()


def test_no_series_no_gap(make_config: object) -> None:
    config = make_config(  # type: ignore[operator]
        data={"source": "adding", "length": 5, "train": 20, "val": 10, "test": 10},
        task={"kind": "many_to_one"},
        model={"hidden_sizes": (4,)},
    )
    experiment = assemble(config)
    assert intervals_of(config, experiment.network, experiment.dataset) is None
