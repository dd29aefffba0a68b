from __future__ import annotations

from rnnexp.training.monitor import Monitor


def test_the_best_needs_no_minimum_and_patience_does() -> None:
    monitor = Monitor("val/loss", "min", min_delta=0.1, patience=2)
    seen = [monitor.improved({"val/loss": value}) for value in (1.0, 0.95, 0.85, 0.8, 0.81)]
    assert seen == [True, True, True, True, False]
    assert monitor.exhausted
    assert (monitor.best, monitor.reference, monitor.latest) == (0.8, 0.85, 0.81)


def test_max() -> None:
    monitor = Monitor("val/accuracy", "max")
    seen = [monitor.improved({"val/accuracy": value}) for value in (0.1, 0.2, 0.2, 0.15)]
    assert seen == [True, True, False, False]
    assert not monitor.exhausted
