"""Groups of runs: by everything but the seed, the best first."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnexp.reports.comparison import Comparison, compare
from rnnexp.reports.run_index import list_runs, read_run

from .runs_made import make_run, make_sweep, write


def compared(runs: Path) -> Comparison:
    return compare(list_runs(runs))


def test_runs_that_differ_in_the_seed_alone_are_one_group(tmp_path: Path) -> None:
    for number, (cell, seed, rmse) in enumerate(
        [("lstm", 0, 20.0), ("lstm", 1, 22.0), ("gru", 0, 19.0), ("gru", 1, 18.0)]
    ):
        make_run(tmp_path, cell, seed, rmse, number=number)
    found = compared(tmp_path)
    assert found.keys == ("model.cell",) and found.monitor == "val/rmse" and not found.larger
    assert [group.settings_that_differ["model.cell"] for group in found.groups] == ["gru", "lstm"]
    best = found.groups[0].estimate("val/rmse")
    assert best is not None and (best.mean, best.n) == (18.5, 2)
    assert found.metrics == ("val/rmse", "test/rmse")


def test_larger_is_better_where_the_metric_says_so(tmp_path: Path) -> None:
    for number, (cell, value) in enumerate([("lstm", 0.7), ("gru", 0.9)]):
        metrics = {"val/accuracy": value, "test/accuracy": value}
        make_run(tmp_path, cell, number=number, monitor="val/accuracy", metrics=metrics)
    found = compared(tmp_path)
    assert found.larger
    assert found.groups[0].settings_that_differ["model.cell"] == "gru"


def test_only_what_differs_is_shown(tmp_path: Path) -> None:
    make_run(tmp_path, "lstm", 0, number=0)
    make_run(tmp_path, "lstm", 1, number=1)
    found = compared(tmp_path)
    assert found.keys == () and len(found.groups) == 1


def test_a_section_that_one_has_and_the_other_has_not(tmp_path: Path) -> None:
    make_run(tmp_path, number=0)
    path = make_run(tmp_path, number=1)
    summary = read_run(path)
    settings = {**summary.settings, "training": {**summary.settings["training"]}}
    settings["training"]["clip"] = {"norm": 1.0, "value": None}
    make_run(tmp_path, number=2, settings=settings)
    found = compared(tmp_path)
    assert "training.clip.norm" in found.keys
    norms = [group.settings_that_differ["training.clip.norm"] for group in found.groups]
    assert set(norms) == {None, 1.0}


def test_of_one_seed_the_newest_run_counts(tmp_path: Path) -> None:
    old = make_run(tmp_path, rmse=10.0, number=0)
    new = make_run(tmp_path, rmse=30.0, number=1)
    (group,) = compared(tmp_path).groups
    assert [row.path for row in group.rows] == [new]
    assert [row.path for row in group.superseded] == [old]


def test_none_is_lost(tmp_path: Path) -> None:
    good = make_run(tmp_path, number=0)
    running = make_run(tmp_path, number=1, state="running")
    broken = make_run(tmp_path, number=2)
    (broken / "summary.json").write_text("{", encoding="utf-8")
    found = compared(tmp_path)
    assert [row.path for row in found.rows()] == [good]
    assert [row.path for row in found.unfinished] == [running]
    assert [row.path for row in found.damaged] == [broken]


def test_a_label_stands_for_the_keys_it_covers(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path)
    found = compared(sweep / "trials")
    assert found.keys == ("remedy",)
    assert [group.settings_that_differ["remedy"] for group in found.groups] == ["clip", "none"]


def test_differences_are_taken_seed_by_seed(tmp_path: Path) -> None:
    values = {"lstm": [20.0, 30.0, 40.0], "gru": [19.0, 29.1, 38.9]}
    for cell, scores in values.items():
        for seed, rmse in enumerate(scores):
            make_run(tmp_path, cell, seed, rmse, number=10 * len(cell) + seed)
    gru, lstm = compared(tmp_path).groups
    found = gru.against(lstm, "val/rmse")
    assert found is not None
    assert found.mean == pytest.approx(-1.0) and found.n == 3
    assert found.distinguishable  # 10 apart from seed to seed, 1 apart within each


def test_runs_of_before_are_read_from_their_config(tmp_path: Path) -> None:
    path = make_run(tmp_path, number=0)
    record = {"name": "x", "monitor": "val/rmse", "metrics": {"val/rmse": 3.0}}
    write(path / "summary.json", record)
    (path / "resolved.yaml").write_text(
        "name: x\nseed: 7\ndata: {source: sunspots}\ntask: {kind: many_to_one}\n",
        encoding="utf-8",
    )
    (row,) = compared(tmp_path).rows()
    assert row.seed == 7 and row.settings["model"]["cell"] == "lstm"
    (path / "resolved.yaml").unlink()
    assert len(compared(tmp_path).damaged) == 1
