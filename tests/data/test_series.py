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


def test_further_columns_are_read_and_not_predicted(make: Any, tmp_path: Path) -> None:
    """Numbers are scaled and categories known by the training part alone: `late` never was."""
    days = ["mon", "tue"] * 8 + ["late"] * 4
    rows = [f"{y},{2 * y + i},{day}" for i, (y, day) in enumerate(zip(SERIES, days, strict=True))]
    (tmp_path / "a.csv").write_text("\n".join(["y,x,day", *rows]))
    dataset = make(options(inputs=["x", "day"], scale="standard"))
    assert isinstance(dataset.inputs, Values)
    assert dataset.inputs.names == ("y", "x", "day=mon", "day=tue")
    assert dataset.outputs.size == 1 and dataset.train.inputs.shape[1:] == (3, 4)
    x = np.array([2 * y + i for i, y in enumerate(SERIES)])
    train = x[:14]
    np.testing.assert_allclose(
        dataset.train.inputs[0, :, 1], ((x - train.mean()) / train.std())[:3], rtol=1e-6
    )
    np.testing.assert_array_equal(dataset.train.inputs[0, :, 2:], [[1, 0], [0, 1], [1, 0]])
    assert not dataset.test.inputs[-1, -2:, 2:].any()  # the days called `late`


def test_several_series_in_one_file(make: Any, tmp_path: Path) -> None:
    """Rows of two series in turn: windows never cross from one to the other."""
    rows = [f"{name},{y}" for i in range(20) for name, y in (("a", i), ("b", 1000 + i))]
    (tmp_path / "a.csv").write_text("\n".join(["id,y", *rows]))
    dataset = make(options(id="id", scale="none"))
    assert dataset.record["series"] == 2 and not dataset.consecutive
    for name in ("train", "val", "test"):
        split = dataset.split(name)
        steps = np.concatenate([split.inputs[:, :, 0], split.targets], axis=1)
        assert (np.diff(steps, axis=1) == 1).all()
    assert len(dataset.train) == 2 * (14 - 3) and len(dataset.test) == 2 * 3
    assert dataset.test.targets[:, 0].tolist() == [17, 18, 19, 1017, 1018, 1019]


def test_baselines_stay_within_their_series(make: Any, tmp_path: Path) -> None:
    """x_t = x_{t-1} + 1 in both: autoregression is exact, also where the series meet."""
    from rnnexp.tasks.baselines import baselines

    rows = [f"{name},{y}" for name, base in (("a", 0), ("b", 500)) for y in range(base, base + 30)]
    (tmp_path / "a.csv").write_text("\n".join(["id,y", *rows]))
    for kind in ("many_to_one", "many_to_many"):
        found = baselines(make(options(id="id", season=4), kind))
        assert found["persistence"]["rmse"] == pytest.approx(1, rel=1e-5)  # scaled float32
        assert found["seasonal"]["rmse"] == pytest.approx(4, rel=1e-5)
        assert found["linear_autoregression"]["rmse"] == pytest.approx(0, abs=1e-3)  # float32


def test_the_same_series_from_parquet(make: Any, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    csv_of(tmp_path / "a.csv", SERIES)
    table = pyarrow.table({"t": range(20), "y": SERIES, "day": ["mon", "tue"] * 10})
    parquet.write_table(table, tmp_path / "a.parquet")
    same = make(options(source="parquet", path="a.parquet"))
    np.testing.assert_array_equal(same.train.inputs, make(options()).train.inputs)
    further = make(options(source="parquet", path="a.parquet", inputs=["day"]))
    assert further.inputs.names == ("y", "day=mon", "day=tue")


def test_a_blank_in_a_further_column(refused: Any, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("y,x\n" + "1,2\n" * 9 + "1,\n" + "1,2\n" * 9)
    problem = refused(options(inputs=["x"]))
    assert problem.code == "DAT113" and problem.position.line == 11 and "'x'" in problem.message
