"""Finding runs by what people type."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from rnnexp.errors import CommandError
from rnnexp.reports.run_index import find_run, list_runs, runs_folder

NAMES = [
    "20260101-000000-adding-aaaaaa",
    "20260102-000000-sunspots-lstm-bbbbbb",
    "20260102-000001-sunspots-gru-cccccc",
    "20260103-000000-names-dddddd",
]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "status.json").write_text('{"state": "finished"}')
    (tmp_path / ".gitkeep").write_text("")
    (tmp_path / "notes").mkdir()
    return tmp_path


def test_where_runs_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RNNEXP_RUNS", raising=False)
    assert runs_folder(None) == Path("runs")
    monkeypatch.setenv("RNNEXP_RUNS", "/elsewhere")
    assert runs_folder(None) == Path("/elsewhere")
    assert runs_folder(Path("given")) == Path("given")


def test_a_folder_a_prefix_and_latest(runs: Path) -> None:
    assert find_run(str(runs / NAMES[0]), Path("nowhere")) == runs / NAMES[0]
    assert find_run("20260102-000001", runs) == runs / NAMES[2]
    assert find_run(NAMES[1], runs) == runs / NAMES[1]
    assert find_run("latest", runs) == runs / NAMES[3]


def test_latest_is_found_by_looking_within_a_second(runs: Path) -> None:
    for name in ("20260104-000000-x-ffffff", "20260104-000000-x-000000"):
        (runs / name).mkdir()
        time.sleep(0.02)
    assert find_run("latest", runs).name.endswith("000000")


def test_an_ambiguous_prefix_names_what_it_may_mean(runs: Path) -> None:
    with pytest.raises(CommandError, match="2 runs begin") as caught:
        find_run("20260102", runs)
    assert caught.value.problems[0].allowed == f"{NAMES[2]}, {NAMES[1]}"


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("sunspots", [NAMES[2], NAMES[1]]),
        ("sunspot-lstm", [NAMES[1], NAMES[2]]),
        ("20260101-000000-ading", [NAMES[0]]),
        ("20260101-000000-adding-aaaaab", [NAMES[0]]),
        ("lastest", ["latest"]),
        ("lat", ["latest"]),
    ],
)
def test_an_unknown_run_brings_the_nearest(typed: str, nearest: list[str], runs: Path) -> None:
    with pytest.raises(CommandError) as caught:
        find_run(typed, runs)
    problem = caught.value.problems[0]
    assert problem.suggestion == nearest[0]
    assert (problem.allowed or "").split(", ")[: len(nearest)] == nearest
    assert len((problem.allowed or "").split(", ")) <= 3


@pytest.mark.parametrize("typed", ["", "\0", "x" * 5000, "../..", "/", "zzz\x1b"])
def test_nonsense_is_refused_politely(typed: str, runs: Path) -> None:
    with pytest.raises(CommandError) as caught:
        find_run(typed, runs)
    assert caught.value.exit == 2


def test_without_runs_latest_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there are no runs"):
        find_run("latest", tmp_path / "none")


def test_a_link_is_not_a_run(runs: Path, tmp_path: Path) -> None:
    (runs / "20270101-000000-link-eeeeee").symlink_to(runs / NAMES[0])
    assert [row.path.name for row in list_runs(runs)] == NAMES[::-1]


def test_a_linked_summary_is_a_warning(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text('{"metrics": {"test/rmse": 1}}')
    (runs / NAMES[3] / "summary.json").symlink_to(tmp_path / "secret")
    row = list_runs(runs)[0]
    assert row.metrics == {}
    assert row.warning is not None and "symbolic link" in row.warning


def test_a_file_is_no_folder_of_runs(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(CommandError, match="not a folder"):
        runs_folder(tmp_path / "runs")
