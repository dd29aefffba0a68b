"""`rnnexp configs`: the gallery listed and copied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnnexp.cli import app
from rnnexp.config.gallery import entries, find


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = app.main(["configs", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_ls_shows_every_config(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "ls")
    assert code == 0
    assert all(entry.name in out and entry.title in out for entry in entries())


def test_ls_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.loads(run(capsys, "ls", "--json")[1])["configs"]
    assert [row["name"] for row in listed] == [entry.name for entry in entries()]
    assert {"title", "seconds", "expect", "run", "path"} <= set(listed[0])


def test_cp_into_the_current_folder(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    code, out, _ = run(capsys, "cp", "quickstart")
    assert code == 0
    assert (folder / "quickstart.yaml").read_bytes() == find("quickstart").path.read_bytes()
    assert "rnnexp train quickstart.yaml" in out
    assert app.main(["validate", "quickstart.yaml"]) == 0


def test_cp_under_another_name(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert run(capsys, "cp", "quickstart", "mine.yaml")[0] == 0
    assert (folder / "mine.yaml").is_file()


def test_cp_into_a_folder(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "sub").mkdir()
    assert run(capsys, "cp", "quickstart", "sub", "--json")[1].count("sub/quickstart.yaml") == 1
    assert (folder / "sub" / "quickstart.yaml").is_file()


@pytest.mark.parametrize("dangling", [False, True])
def test_cp_overwrites_nothing(
    capsys: pytest.CaptureFixture[str], folder: Path, dangling: bool
) -> None:
    target = folder / "quickstart.yaml"
    if dangling:
        target.symlink_to(folder / "elsewhere")
    else:
        target.write_text("mine")
    code, _, err = run(capsys, "cp", "quickstart")
    assert code == 2
    assert "nothing is overwritten" in err
    assert target.is_symlink() is dangling
    assert dangling or target.read_text() == "mine"
    assert not (folder / "elsewhere").exists()


def test_cp_of_an_unknown_config_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "cp", "quikstart")
    assert code == 2
    assert "did you mean: quickstart?" in err


def test_cp_into_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "cp", "quickstart", "nowhere/x.yaml")[0] == 6
