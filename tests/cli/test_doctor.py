"""`doctor`: true of this machine, and useful where something is broken."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from rnnexp.cli import app
from rnnexp.cli.doctor import EXTRAS, probe


def test_it_says_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["doctor", "--runs", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["torch"]["loads"] and found["packages"]["numpy"]
    assert (found["runs"]["writes"], found["runs"]["sync"], found["runs"]["lock"]) == (True,) * 3
    assert found["runs"]["free_bytes"] > 0
    assert list(tmp_path.iterdir()) == []
    assert app.main(["doctor", "--runs", str(tmp_path)]) == 0
    page = capsys.readouterr().out
    assert (str(tmp_path) in page and "AVX" in page) or "cores" in page


def test_a_broken_torch_is_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert app.main(["doctor", "--runs", str(tmp_path)]) == 0
    assert "torch does not load" in " ".join(capsys.readouterr().out.split())


def test_a_missing_extra_comes_with_what_to_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXTRAS, "datasets", ("no-such-package", "the digits"))
    assert app.main(["doctor", "--runs", str(tmp_path)]) == 0
    assert "pip install 'rnnexp[datasets]'" in " ".join(capsys.readouterr().out.split())


def test_a_folder_that_cannot_be_written_is_found_out() -> None:
    answers = probe(Path("/proc/self/runs"))
    assert not answers["writes"]
    assert "/proc" in answers["why"]


def test_a_folder_that_is_not_there_yet_is_tried_in_its_parent(tmp_path: Path) -> None:
    answers = probe(tmp_path / "a" / "b")
    assert answers["writes"] and not answers["exists"]
    assert list(tmp_path.iterdir()) == []
