from __future__ import annotations

import pytest

from rnnexp.errors import ConfigError
from rnnexp.training.stopping import Monitor


def test_min_with_delta_and_patience() -> None:
    monitor = Monitor("val/loss", "min", min_delta=0.1, patience=2)
    seen = [monitor.improved({"val/loss": value}) for value in (1.0, 0.95, 0.85, 0.8, 0.79)]
    assert seen == [True, False, True, False, False]
    assert monitor.exhausted
    assert (monitor.best, monitor.latest) == (0.85, 0.79)


def test_max() -> None:
    monitor = Monitor("val/accuracy", "max")
    seen = [monitor.improved({"val/accuracy": value}) for value in (0.1, 0.2, 0.2, 0.15)]
    assert seen == [True, True, False, False]
    assert not monitor.exhausted


def test_unknown_metric_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="val/rsme") as error:
        Monitor("val/rsme", "min").improved({"val/rmse": 1.0, "val/loss": 1.0})
    assert error.value.problems[0].allowed == "val/loss, val/rmse"
