from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnexp.data.dataset import Dataset, Values
from rnnexp.data.encoding import Scaler

SERIES = [
    3.0,
    1.0,
    4.0,
    1.0,
    5.0,
    9.0,
    2.0,
    6.0,
    5.0,
    3.0,
    5.0,
    8.0,
    9.0,
    7.0,
    9.0,
    3.0,
    2.0,
    3.0,
    8.0,
    4.0,
]


def csv_of(path: Path, series: list[float]) -> None:
    path.write_text("t,y\n" + "".join(f"{t},{y}\n" for t, y in enumerate(series)))


def options(**more: Any) -> dict[str, Any]:
    return {"source": "csv", "path": "a.csv", "value": "y", "window": 3, **more}


def scaler_of(dataset: Dataset) -> Scaler:
    assert isinstance(dataset.outputs, Values)
    assert dataset.outputs.scaler is not None
    return dataset.outputs.scaler


def test_windows_of_a_series_by_hand(make: Any, tmp_path: Path) -> None:
    csv_of(tmp_path / "a.csv", SERIES)
    dataset = make(options(scale="none", horizon=2))
    assert dataset.train.inputs[0, :, 0].tolist() == [3, 1, 4]
    assert dataset.train.targets[0].tolist() == [5]
    assert dataset.val.inputs[0, :, 0].tolist() == [5, 8, 9]  # reaches back into training
    assert dataset.val.targets[:, 0].tolist() == [9, 3, 2]
    assert dataset.test.targets[:, 0].tolist() == [3, 8, 4]
    assert dataset.test.origin.tolist() == [17, 18, 19]
    assert dataset.train.inputs.dtype == dataset.train.targets.dtype == np.float32
    assert not dataset.consecutive


def test_many_to_many_windows_of_a_series_by_hand(make: Any, tmp_path: Path) -> None:
    csv_of(tmp_path / "a.csv", SERIES)
    dataset = make(options(scale="none"), "many_to_many")
    assert dataset.consecutive
    assert dataset.train.inputs[-1, :, 0].tolist() == [9, 0, 0]
    assert dataset.train.targets[-1, :, 0].tolist() == [7, 0, 0]
    assert dataset.train.lengths.tolist() == [3, 3, 3, 3, 1]
    assert dataset.test.lengths is None


@pytest.mark.parametrize("kind", ["many_to_one", "many_to_many"])
def test_scaler_does_not_see_validation_and_test(make: Any, tmp_path: Path, kind: str) -> None:
    csv_of(tmp_path / "a.csv", SERIES)
    before = make(options(), kind)
    csv_of(tmp_path / "a.csv", SERIES[:14] + [1000.0] * 6)
    after = make(options(), kind)
    for dataset in (before, after):
        assert scaler_of(dataset).shift[0] == pytest.approx(np.mean(SERIES[:14]))
        assert scaler_of(dataset).scale[0] == pytest.approx(np.std(SERIES[:14]))
    assert (before.train.inputs == after.train.inputs).all()
    assert after.test.targets.max() > 100


def test_minmax_and_log(make: Any, tmp_path: Path) -> None:
    csv_of(tmp_path / "a.csv", SERIES)
    dataset = make(options(scale="minmax", log=True))
    logs = np.log(SERIES)
    expected = (logs - logs[:14].min()) / np.ptp(logs[:14])
    np.testing.assert_allclose(dataset.train.targets[:, 0], expected[3:14], rtol=1e-6)
    own = scaler_of(dataset).invert(dataset.test.targets)
    np.testing.assert_allclose(own[:, 0], SERIES[17:], rtol=1e-6)


def test_a_constant_column_keeps_its_unit(make: Any, tmp_path: Path) -> None:
    """Rounding gives 0.1 a standard deviation of 1e-17: dividing by it would blow up the rest."""
    csv_of(tmp_path / "a.csv", [0.1] * 17 + [0.2] * 3)
    dataset = make(options())
    np.testing.assert_allclose(dataset.test.targets[:, 0], 0.1, rtol=1e-6)


def test_no_target_in_two_splits(make: Any) -> None:
    for kind in ("many_to_one", "many_to_many"):
        dataset = make({"source": "sunspots", "window": 11, "horizon": 3}, kind)
        times: list[int] = []
        for name in ("train", "val", "test"):
            part = dataset.split(name)
            steps = 1 if kind == "many_to_one" else part.targets.shape[1]
            lengths = np.full(len(part), steps) if part.lengths is None else part.lengths
            times += [
                int(t) for o, n in zip(part.origin, lengths, strict=True) for t in range(o, o + n)
            ]
        assert times == list(range(times[0], 309))


@pytest.mark.parametrize(
    ("source", "column", "rows", "span"),
    [
        ("sunspots", "sunspots", 309, ["1700", "2008"]),
        ("airline_passengers", "passengers", 144, ["1949-01", "1960-12"]),
    ],
)
def test_shipped_tables(make: Any, source: str, column: str, rows: int, span: list[str]) -> None:
    dataset = make({"source": source, "window": 12, "season": 12})
    assert dataset.record["range"] == span
    assert dataset.record["steps"] == rows
    assert dataset.season == 12
    assert dataset.outputs.names == (column,)
    with files("rnnexp.data").joinpath("tables", f"{source}.csv").open() as table:
        last = float(list(csv.DictReader(table))[-1][column])
    own = scaler_of(dataset).invert(dataset.test.targets)
    assert own[-1, 0] == pytest.approx(last, rel=1e-6)


def test_a_series_too_short_for_the_window(refused: Any, tmp_path: Path) -> None:
    csv_of(tmp_path / "a.csv", SERIES)
    problem = refused(options(window=20))
    assert "length 20" in problem.message
    assert "at least 21" in problem.message
    assert "would train 0 steps" in problem.message
    assert problem.position.line == 6
    assert "14 of 20" in refused(options(window=14)).message


def test_the_logarithm_of_a_value_that_is_not_positive(refused: Any, tmp_path: Path) -> None:
    csv_of(tmp_path / "a.csv", [*SERIES[:7], -2.5, *SERIES[8:]])
    problem = refused(options(log=True))
    assert problem.position.line == 9
    assert "-2.5" in problem.message


def test_values_that_overflow_only_once_scaled(refused: Any, tmp_path: Path) -> None:
    csv_of(tmp_path / "a.csv", [2.0, 2.0000001] * 10 + [3e38] * 4)
    problem = refused(options(split={"train": 0.5, "val": 0.25, "test": 0.25}))
    assert "overflow float32" in problem.message
