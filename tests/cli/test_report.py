"""`runs report`: which file is written, and which is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnnexp.cli.app import main
from rnnexp.recording.run_folder import broken_files, seal
from tests.cli.test_runs import SUMMARY, finished_run
from tests.test_packaging import HEAVY, command, modules_after


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that say what they were trained with."""
    known = {"name": "sunspots", "seed": 0, "model": {"cell": "gru", "hidden_sizes": [8]}}
    monkeypatch.setitem(SUMMARY, "settings", known)


def report(capsys: pytest.CaptureFixture[str], runs: Path, *arguments: str) -> tuple[int, str, str]:
    code = main(["runs", "report", *arguments, "--runs", str(runs)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_report_of_a_run_lies_in_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = finished_run(tmp_path)
    place = made.path / "report.html"
    for _ in range(2):  # the second time in place of the first
        code, out, err = report(capsys, tmp_path, "latest")
        assert (code, err) == (0, "")
        assert str(place) in out
        assert place.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_report_of_several_runs_lies_here_or_where_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [finished_run(tmp_path / "runs").path.name for _ in range(2)]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    outs: list[tuple[list[str], str]] = [
        ([], "report.html"),
        (["--out", "mine.html"], "mine.html"),
        (["--out", "folder"], "folder/report.html"),
    ]
    for options, place in outs:
        code, out, _ = report(capsys, tmp_path / "runs", *names, *options)
        assert code == 0 and place in out
        assert all(name in (tmp_path / place).read_text(encoding="utf-8") for name in names)


def test_a_file_that_is_no_report_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished_run(tmp_path)
    mine = tmp_path / "report.html"
    mine.write_text("<h1>my thesis</h1>")
    for place in (mine, tmp_path / "link.html"):
        if place != mine:
            place.symlink_to(mine)
        code, _, err = report(capsys, tmp_path, "latest", "--out", str(place))
        assert code == 2 and "--out" in err
        assert mine.read_text() == "<h1>my thesis</h1>"


def test_as_json_it_says_what_was_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = finished_run(tmp_path)
    (made.path / "env.json").write_text("{")
    code, out, err = report(capsys, tmp_path, "latest", "--json")
    told = json.loads(out)
    assert code == 0
    assert Path(told["report"]).stat().st_size == told["bytes"]
    assert told["runs"] == [str(made.path)]
    assert told["damage"] == {made.path.name: ["env.json is damaged"]}
    assert "env.json is damaged" in err


def test_what_is_not_there_is_an_error_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = finished_run(tmp_path / "runs")
    for arguments in (
        ["nonesuch"],
        ["latest", "nonesuch"],
        ["\0"],
        ["latest", "--baseline", "x=1"],
    ):
        code, out, err = report(capsys, tmp_path / "runs", *arguments)
        assert (code, out) == (2, "") and "error" in err
    code, _, err = report(capsys, tmp_path / "runs", "latest", "--out", "no/such/folder.html")
    assert code == 6 and "no/such/folder.html" in err
    assert not list(tmp_path.glob("**/*.html")) and made.path.is_dir()


def test_names_from_files_are_safe_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = finished_run(tmp_path)
    (made.path / "resolved.yaml").write_text("a: \x1b]0;pwned\x07[red]\n")
    summary = json.loads((made.path / "summary.json").read_text())
    (made.path / "summary.json").write_text(json.dumps(summary | {"settings": {}}))
    code, out, err = report(capsys, tmp_path, "latest")
    assert code == 0
    assert not any(sign in out + err for sign in "\x1b\x07")


def test_it_needs_neither_torch_nor_matplotlib(tmp_path: Path) -> None:
    finished_run(tmp_path)
    used = modules_after(command("runs", "report", "latest", "--runs", str(tmp_path)))
    assert not used & (HEAVY | {"numpy"})
    assert "jinja2" not in modules_after(command("runs", "ls", "--runs", str(tmp_path)))


def test_a_report_is_not_sealed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = finished_run(tmp_path)
    report(capsys, tmp_path, "latest")
    seal(made.path)
    (made.path / "report.html").write_text("another")
    assert list(broken_files(made.path)) == []
