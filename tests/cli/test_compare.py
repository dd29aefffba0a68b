"""`runs compare`: tables for people and for other programs."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rnnexp.cli.app import main

from ..reports.runs_made import make_run, make_sweep

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """LSTM and GRU, three seeds each; the GRU is better by 1 in each."""
    for seed, rmse in enumerate([20.0, 30.0, 40.5]):
        make_run(tmp_path / "runs", "lstm", seed, rmse, number=seed)
        make_run(tmp_path / "runs", "gru", seed, rmse - 1, number=10 + seed)
    return tmp_path / "runs"


def compare(capsys: Capture, runs: Path, *arguments: str) -> tuple[int, str, str]:
    code = int(main(["runs", "compare", *arguments, "--runs", str(runs)]))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def told(capsys: Capture, runs: Path, *arguments: str) -> dict[str, Any]:
    code, out, _ = compare(capsys, runs, *arguments, "--json")
    assert code == 0, out
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def test_the_table_has_mean_spread_and_interval(capsys: Capture, runs: Path) -> None:
    code, out, _ = compare(capsys, runs)
    assert code == 0
    rows = [line.split() for line in out.splitlines() if line[:4] in ("gru ", "lstm")]
    assert [row[:2] for row in rows][:2] == [["gru", "3"], ["lstm", "3"]]
    found = told(capsys, runs)["groups"][0]["metrics"]["val/rmse"]
    assert found["mean"] == pytest.approx((19 + 29 + 39.5) / 3)
    assert found["low"] < found["mean"] < found["high"]


def test_a_paired_difference_and_what_it_does_not_tell(capsys: Capture, runs: Path) -> None:
    found = told(capsys, runs, "--baseline", "model.cell=lstm")["groups"]
    gru = found[0]["metrics"]["val/rmse"]["difference"]
    assert gru["mean"] == pytest.approx(-1.0) and gru["n"] == 3
    shutil.rmtree(runs)
    for seed, (one, other) in enumerate([(20.0, 21.0), (30.0, 28.0), (40.0, 41.0)]):
        make_run(runs, "lstm", seed, one, number=seed)
        make_run(runs, "gru", seed, other, number=10 + seed)
    _, out, _ = compare(capsys, runs, "--baseline", "model.cell=lstm")
    assert "not distinguishable at n=3" in out


def test_rows_and_columns_can_be_chosen(capsys: Capture, runs: Path) -> None:
    assert [g["n"] for g in told(capsys, runs, "--where", "model.cell=lstm")["groups"]] == [3]
    assert [g["n"] for g in told(capsys, runs, "--where", "seed=1")["groups"]] == [1, 1]
    assert told(capsys, runs, "--metric", "loss")["metrics"] == ["val/loss"]
    _, out, _ = compare(capsys, runs, "--columns", "cell,n", "--csv")
    assert list(csv.reader(io.StringIO(out))) == [
        ["model.cell", "n"], ["gru", "3"], ["lstm", "3"],
    ]  # fmt: skip
    _, out, _ = compare(capsys, runs, "--sort", "cell", "--csv")
    assert [row[0] for row in csv.reader(io.StringIO(out))][1:] == ["gru", "lstm"]


@pytest.mark.parametrize(
    ("option", "value", "suggestion"),
    [
        ("--where", "model.cel=lstm", "model.cell"),
        ("--where", "model.cell=lstmm", "lstm"),
        ("--sort", "val/rmes", "val/rmse"),
        ("--metric", "rmes", "rmse"),
        ("--columns", "model.cel", "model.cell"),
        ("--where", "lstm", None),
        ("--baseline", "model.cell=rnn", None),
    ],
)
def test_a_wrong_name_is_met_with_the_nearest(
    capsys: Capture, runs: Path, option: str, value: str, suggestion: str | None
) -> None:
    code, out, _ = compare(capsys, runs, option, value, "--json")
    assert code == 2
    (error,) = json.loads(out.splitlines()[-1])["errors"]
    assert error["key"] == option
    if suggestion is not None:
        assert (error["suggestion"] or "").endswith(suggestion)


def test_csv_has_numbers_in_full_and_no_formulas(capsys: Capture, tmp_path: Path) -> None:
    make_run(tmp_path, "=cmd|' /C calc'!A0", 0, 1 / 3, number=0)
    make_run(tmp_path, "lstm", 0, -2.5, number=1)
    _, out, _ = compare(capsys, tmp_path, "--csv")
    rows = list(csv.reader(io.StringIO(out)))
    assert rows[0][:3] == ["model.cell", "n", "val/rmse mean"]
    assert [row[2] for row in rows[1:]] == ["-2.5", repr(1 / 3)]
    assert rows[2][0].startswith("'=")


def test_markdown_is_a_table(capsys: Capture, runs: Path) -> None:
    _, out, _ = compare(capsys, runs, "--markdown")
    lines = out.splitlines()
    assert lines[0].startswith("| model.cell | n | val/rmse |")
    assert len({line.count("|") for line in lines}) == 1 and len(lines) == 4


def test_one_damaged_run_among_fifty(capsys: Capture, tmp_path: Path) -> None:
    for number in range(50):
        make_run(tmp_path, seed=number, number=number)
    broken = make_run(tmp_path, seed=50, number=50)
    (broken / "summary.json").write_bytes(b"\xff{")
    code, out, err = compare(capsys, tmp_path, "--json")
    assert code == 0 and broken.name in err
    assert json.loads(out.splitlines()[-1])["groups"][0]["n"] == 50
    assert compare(capsys, tmp_path, "--strict")[0] == 5


def test_a_sweep_stands_for_its_trials(capsys: Capture, tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, points=5)
    code, out, _ = compare(capsys, tmp_path, str(sweep))
    assert code == 0 and "diverged" in out and "pruned" in out
    found = told(capsys, tmp_path, "s-0000")
    assert found["keys"] == [] and [g["n"] for g in found["groups"]] == [2]
    assert {run["state"] for run in found["unfinished"]} == {"diverged", "pruned"}


def test_what_a_sweep_notes_is_said_beside_its_table(capsys: Capture, tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path)
    record = json.loads((sweep / "sweep.json").read_text())
    note = "tpe: points depend on the order"
    (sweep / "sweep.json").write_text(json.dumps(record | {"note": note}), encoding="utf-8")
    assert note in compare(capsys, tmp_path, str(sweep))[1]
    assert note not in compare(capsys, tmp_path)[1]


def test_nothing_to_compare_is_said(capsys: Capture, tmp_path: Path) -> None:
    code, out, _ = compare(capsys, tmp_path / "none")
    assert code == 0 and "no runs" in out
    assert compare(capsys, tmp_path, "nothing-like-that")[0] == 2


def test_one_form_at_a_time(capsys: Capture, runs: Path) -> None:
    assert compare(capsys, runs, "--csv", "--markdown")[0] == 2


@pytest.mark.parametrize("columns", ["20", "80"])
def test_hostile_names_and_narrow_terminals(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    make_run(tmp_path, "x[/]\x1b]0;evil\a\u202e", 0, 1.0, number=0)
    make_run(tmp_path, "lstm", 0, 2.0, number=1)
    code, out, _ = compare(capsys, tmp_path)
    assert code == 0 and "\x1b" not in out and "\u202e" not in out and "\a" not in out
