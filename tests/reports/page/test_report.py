"""What the page of a report says, held against the files it was made from."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from rnnexp.errors import CommandError, UnsafeError
from rnnexp.reports.page.rendering import report_on
from rnnexp.reports.page.sections.learning import over_seeds
from rnnexp.reports.page.story import RunFiles
from rnnexp.reports.run_index import RunRow

from .conftest import Make, Page

EVIL = "x[/]</title><script>alert(1)</script>\x1b]0;pwned\x07\u202e\" onload='"
UNSEEN = "\x1b\x07\u202e\x00"


def page_about(*paths: Path, **options: Any) -> Page:
    return Page(report_on([str(path) for path in paths], Path("nowhere"), **options).html)


def written(value: float) -> str:
    """Four significant digits, by a way of its own."""
    return format(float(f"{value:.3e}"), "#.4g").removesuffix(".")


def test_a_run_is_told_from_its_answer_to_how_to_repeat_it(make_run: Make) -> None:
    page = page_about(make_run(rmse=20.0))
    lead = page.leads[1]
    assert "plain RNN of 8 units on sunspots" in lead
    assert "rmse 21.00 on test (20.00 on validation), better than" in lead
    assert "persistence, 30.00" in lead and "one seed" in lead
    assert page.table("Scores of the best checkpoint")[1] == [
        "rmse", "20.00", "21.00", "30.00", "50.00",
    ]  # fmt: skip
    assert page.headings == [
        "Learning curves", "Scores", "Gradients", "Environment", "To reproduce",
    ]  # fmt: skip
    assert page.svgs == 4  # two charts, each for a wide and for a narrow page


def test_a_run_that_naive_answers_beat_is_called_worse(make_run: Make) -> None:
    assert (
        "rmse 41.00 on test (40.00 on validation), worse than"
        in page_about(make_run(rmse=40.0)).leads[1]
    )


def test_groups_have_mean_spread_and_interval_over_seeds(make_run: Make) -> None:
    scores = {"rnn": [30.1, 29.2, 31.9], "gru": [20.5, 19.25, 21.0]}
    runs = [
        make_run(rmse=rmse, seed=seed, model__cell=cell)
        for cell, found in scores.items()
        for seed, rmse in enumerate(found)
    ]
    page = page_about(*runs)
    assert "6 finished runs of 2 settings, which differ in model.cell" in page.leads[1]
    assert page.table("What differs")[1:] == [["gru", "0, 1 and 2"], ["rnn", "0, 1 and 2"]]
    for row, cell in zip(page.table("Table 2. val/rmse")[1:], ("gru", "rnn"), strict=True):
        values = scores[cell]
        mean, sd = statistics.fmean(values), statistics.stdev(values)
        low, high = stats.t.interval(0.95, 2, loc=mean, scale=sd / 3**0.5)
        assert row == [cell, "3", *map(written, (mean, sd, low, high))]
    differences = [a - b for a, b in zip(scores["rnn"], scores["gru"], strict=True)]
    mean, sd = statistics.fmean(differences), statistics.stdev(differences)
    low, high = stats.t.interval(0.95, 2, loc=mean, scale=sd / 3**0.5)
    (row,) = page.table("val/rmse, paired by seed")[1:]
    assert row == ["rnn", "3", *map(written, (mean, low, high)), "worse"]
    assert "Differences from gru" in page.headings


def test_what_cannot_be_told_apart_is_said_so(make_run: Make) -> None:
    runs = [
        make_run(rmse=rmse, seed=seed, training__optimizer__lr=lr)
        for lr, found in ((0.001, (28.0, 34.0)), (0.1, (30.0, 31.0)))
        for seed, rmse in enumerate(found)
    ]
    page = page_about(*runs)
    assert "not distinguishable from the strongest naive answer" in page.leads[1]
    assert "not distinguishable from lr 0.001 (n\u00a0=\u00a02)" in page.leads[2]
    assert page.table("val/rmse, paired")[1][-1] == "not distinguishable at n\u00a0=\u00a02"
    assert "Influence of the settings" in page.headings


def test_another_group_may_be_the_baseline(make_run: Make) -> None:
    runs = [make_run(rmse=r, model__cell=c) for c, r in (("gru", 20.0), ("rnn", 30.0))]
    page = page_about(*runs, baseline="model.cell=rnn")
    assert "Differences from rnn" in page.headings
    assert page.table("val/rmse, paired")[1][:3] == ["gru", "1", "-10.00"]
    with pytest.raises(CommandError):
        page_about(*runs, baseline="model.cell=lstm")


def test_runs_without_a_result_are_named_with_the_reason(make_run: Make) -> None:
    runs = [make_run(), make_run(state="diverged"), make_run(state="failed"),
            make_run(state="pruned"), make_run(state="interrupted")]  # fmt: skip
    page = page_about(*runs)
    rows = {row[0]: row[1:] for row in page.table("Runs without a result")[1:]}
    assert set(rows) == {run.name for run in runs[1:]}
    assert rows[runs[2].name] == ["failed", "160", "why"]
    assert rows[runs[3].name][0] == "pruned"


@pytest.mark.parametrize("state", ["diverged", "interrupted", "failed"])
def test_a_run_without_a_result_has_its_curves_all_the_same(state: Any, make_run: Make) -> None:
    page = page_about(make_run(state=state))
    assert "there is no result" in page.leads[1]
    assert "Learning curves" in page.headings and "Scores" not in page.headings


def test_a_sweep_is_its_trials_and_the_points_that_left_none(
    make_run: Make, tmp_path: Path
) -> None:
    sweep = tmp_path / "cells-01234567"
    for seed in range(2):
        make_run(seed=seed, folder="cells-01234567/trials")
    (sweep / "failures").mkdir()
    (sweep / "failures" / "7.json").write_text(json.dumps({"error": "no such <key>"}))
    record = {"name": "my sweep", "method": "grid", "points": 3, "axes": ["seed"]}
    (sweep / "sweep.json").write_text(json.dumps(record | {"state": "finished"}))
    report = report_on(["cells-01"], tmp_path)
    page = Page(report.html)
    assert report.place == sweep / "report.html"
    assert "my sweep" in page.text and "grid over seed, 2 of 3 trials done" in page.text
    assert page.table("Runs without")[1] == ["point 7", "failed", "–", "no such <key>"]


def test_a_sweep_without_trials_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x-01234567" / "trials").mkdir(parents=True)
    (tmp_path / "x-01234567" / "sweep.json").write_text("{}")
    with pytest.raises(CommandError, match="no trials"):
        report_on(["x-01234567"], tmp_path)


def test_everything_from_files_is_escaped(make_run: Make) -> None:
    number = [{"index": n, "target": [n], "prediction": [n + 1.5]} for n in range(4)]
    files = {
        "env.json": {"versions": {EVIL: EVIL}, "cpu": EVIL, "variables": {EVIL: EVIL}},
        "data.json": {"source": EVIL, "splits": {EVIL: 3}, "horizon": 1,
                      "files": [{"path": EVIL, "bytes": EVIL, "sha256": EVIL}]},
        "config.yaml": EVIL, "resolved.yaml": EVIL, "overrides.txt": f"a={EVIL}",
        "predictions.jsonl": "".join(json.dumps(r) + "\n" for r in [
            *number, {"example": EVIL, "target": [EVIL], "prediction": []}]),
        "confusion.json": {"classes": [EVIL, "b"], "matrix": [[1, 2], [3, 4]]},
        "classes.json": {"classes": [{"class": EVIL, "support": 3, "f1": 0.5}]},
        "diagnosis.json": {"verdict": {"word": EVIL, "reason": EVIL, "evidence": EVIL},
                           "remedy": {"text": EVIL},
                           "layers": [{"layer": EVIL, "half_life": EVIL,
                                       "jacobian": {"spectral": {"mean": [1, 0.5]}}}]},
    }  # fmt: skip
    path = make_run(files=files, data__source=EVIL, model__cell=EVIL)
    summary = json.loads((path / "summary.json").read_text())
    summary |= {"name": EVIL, "stopped_by": EVIL, "coverage": {EVIL: 0.9}}
    summary["metrics"] |= {f"test/{EVIL}": 1.0}
    summary["baselines"][EVIL] = {"test/rmse": 1.0}
    (path / "summary.json").write_text(json.dumps(summary))
    other = make_run(model__cell=f"{EVIL}2")
    for paths in ([path], [path, other]):
        html = report_on([str(each) for each in paths], Path("nowhere")).html
        page = Page(html)
        assert not any(tag in ("script", "img") for tag, _, _ in page.attributes)
        assert "<script" not in html and "alert(1)" in page.text
        assert not any(sign in html for sign in UNSEEN)
        assert not {name for _, name, _ in page.attributes if name.startswith("on")}


def test_nothing_is_asked_of_a_network_and_nothing_runs(make_run: Make) -> None:
    page = page_about(make_run(), make_run(seed=1))
    names = {name for _, name, _ in page.attributes}
    assert not names & {"src", "href", "xlink:href", "srcset", "action", "style"}
    policy = [value for _, name, value in page.attributes if name == "content"]
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in policy
    html = report_on([str(make_run())], Path("nowhere")).html
    assert not re.search(r"url\(|@import|https?:", html)


def test_no_attribute_is_a_number_that_is_none(make_run: Make) -> None:
    path = make_run()
    lines = [{"step": 10, "train/loss": float("nan"), "grad_norm": float("inf")},
             {"step": "x", "train/loss": 1.0}, {"step": 20, "train/loss": 1e308},
             {"step": 30, "train/loss": -1e308, "grad_norm": True}]  # fmt: skip
    (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    summary = json.loads((path / "summary.json").read_text())
    summary["metrics"] |= {"test/mae": "NaN", "val/rmse": "Infinity"}
    (path / "summary.json").write_text(json.dumps(summary))
    for _, name, value in page_about(path, make_run(seed=1)).attributes:
        assert not re.search(r"\b(nan|inf|infinity)\b", value, re.IGNORECASE), (name, value)


FILES = ["summary.json", "metrics.jsonl", "env.json", "data.json", "confusion.json",
         "classes.json", "diagnosis.json", "predictions.jsonl", "resolved.yaml"]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "junk",
    [b"\xff\x00{\n", b'{"a": \n', b"[1, 2]\n", b'{"layers": [3], "files": {}, "splits": [],'
     b' "classes": [null], "matrix": 3, "target": [[]], "prediction": {}, "step": {},'
     b' "metrics": [], "settings": {"model": 3, "data": []}, "jacobian": 1}\n'],
)  # fmt: skip
def test_a_damaged_file_costs_its_part_alone(name: str, junk: bytes, make_run: Make) -> None:
    path = make_run(files={"resolved.yaml": "name: x\n"})
    (path / name).write_bytes(junk)
    report = report_on([str(path)], Path("nowhere"))
    page = Page(report.html)
    assert page.headings[-1] in ("To reproduce", "What could not be read")
    if name.endswith((".json", ".jsonl")) and b"layers" not in junk:
        assert any(name in sentence for sentence in report.damage[path.name])
        assert name in page.text


def test_a_link_is_not_followed(make_run: Make, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text('{"versions": {"secret": "hidden"}}')
    path = make_run()
    for name in ("env.json", "resolved.yaml", "predictions.jsonl"):
        (path / name).unlink(missing_ok=True)
        (path / name).symlink_to(tmp_path / "secret")
        with pytest.raises(UnsafeError, match="is a symbolic link"):
            report_on([str(path)], Path("nowhere"))
        row = RunRow(path, "x", "finished")
        found = RunFiles(row)
        assert not found.json(name) and not found.text(name) and not list(found.records(name))
        assert found.damage == [f"{name} is not read: {name} is a symbolic link"]
        (path / name).unlink()


def test_long_runs_make_small_pages(make_run: Make) -> None:
    path = make_run()
    log = ({"step": n, "train/loss": n % 83, "grad_norm": n % 79} for n in range(20_000))
    (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))
    lines = ({"index": n, "target": [n % 97], "prediction": [n % 89]} for n in range(50_000))
    (path / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (path / "data.json").write_text('{"horizon": 1}')
    html = report_on([str(path)], Path("nowhere")).html
    assert len(html) < 500_000
    assert "Shown are the last 200" in Page(html).text


def test_the_errors_of_a_forecast_are_summed_over_all(make_run: Make) -> None:
    errors = [1.5, -2.0, 4.0, 0.25]
    records = [{"index": n, "target": [10.0 * n], "prediction": [10.0 * n + error]}
               for n, error in enumerate(errors)]  # fmt: skip
    text = "".join(json.dumps(record) + "\n" for record in records)
    page = page_about(make_run(files={"predictions.jsonl": text, "data.json": {"horizon": 1}}))
    rms = statistics.fmean(error**2 for error in errors) ** 0.5
    assert f"{written(statistics.fmean(errors))} in the mean" in page.text
    assert f"root mean square of {written(rms)}" in page.text
    (rows,) = [rows for _, rows in page.tables if rows[0] == ["step", "error"]]
    assert [row[1] for row in rows[1:]] == list(map(written, errors))


def test_seeds_are_averaged_where_all_have_a_value() -> None:
    mean, band = over_seeds([[(1.0, 2.0), (2.0, 4.0), (3.0, 9.0)], [(1.0, 4.0), (2.0, 0.0)]])
    assert mean == [(1.0, 3.0), (2.0, 2.0)]
    assert band == [(1.0, 2.0, 4.0), (2.0, 0.0, 4.0)]
    assert over_seeds([[(1.0, 2.0)]]) == ([(1.0, 2.0)], [])


def test_a_run_of_unknown_settings_is_told_without_them(make_run: Make, tmp_path: Path) -> None:
    path = make_run()
    summary = json.loads((path / "summary.json").read_text())
    del summary["settings"]
    (path / "summary.json").write_text(json.dumps(summary))
    report = report_on([str(path)], Path("nowhere"))
    page = Page(report.html)
    assert page.table("Scores of the best checkpoint")[1][2] == "21.00"
    assert any("resolved.yaml" in sentence for sentence in report.damage[path.name])
    assert str(tmp_path) not in report.html
