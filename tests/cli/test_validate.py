"""`rnnexp validate`: what is printed, on which stream, with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rnnexp.cli import app

GOOD = "name: x\ndata: {source: sunspots}\ntask: {kind: many_to_one}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(GOOD + "model: {hiden_sizes: [64], cell: lstmm}\n")
    (tmp_path / "tag.yaml").write_text("a: !x\n")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = app.main(["validate", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_good_config(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "good.yaml") == (0, "good.yaml: ok\n", "")


def test_errors_have_an_address_and_a_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "bad.yaml")
    assert (code, out) == (3, "")
    assert "bad.yaml:4:9: error[CFG102] model.hiden_sizes: unknown key (got [64])\n" in err
    assert "did you mean: hidden_sizes?" in err
    assert "bad.yaml:4:34: error[CFG104] model.cell: unknown value (got 'lstmm')\n" in err
    assert "did you mean: lstm?    allowed: rnn, lstm, gru\n" in err
    assert "Traceback" not in err


def test_every_file_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "bad.yaml", "good.yaml", "tag.yaml", "none.yaml")
    assert code == 10
    assert out == "good.yaml: ok\n"
    assert [name in err for name in ("bad.yaml:4", "tag.yaml:1:4", "none.yaml")] == [True] * 3


def test_json_errors_are_one_object_last_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "bad.yaml", "tag.yaml", "--json")
    errors = json.loads(out.splitlines()[-1])["errors"]
    assert code == 10
    assert [(e["file"], e["line"], e["column"], e["exit"]) for e in errors] == [
        ("bad.yaml", 4, 9, 3), ("bad.yaml", 4, 34, 3), ("tag.yaml", 1, 4, 10),
    ]  # fmt: skip
    assert errors[1] | {"message": "", "hint": None} == {
        "code": "CFG104", "file": "bad.yaml", "line": 4, "column": 34, "key": "model.cell",
        "value": "lstmm", "allowed": "rnn, lstm, gru", "suggestion": "lstm", "hint": None,
        "exit": 3, "message": "",
    }  # fmt: skip


def test_json_of_good_configs(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(run(capsys, "good.yaml", "--json")[1]) == {"valid": ["good.yaml"]}


def test_a_wrong_override_shows_a_caret_and_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "good.yaml", "--set", "seed=1", "--set", "model.hidden_sise=3")
    assert code == 2
    assert "command line, override 2" in err
    assert "\n  model.hidden_sise=3\n        ^^^^^^^^^^^\n" in err


def test_an_override_that_is_wrong_for_every_file_is_said_once(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    (folder / "two.yaml").write_text(GOOD)
    assert run(capsys, "good.yaml", "two.yaml", "--set", "seed=x")[2].count("error[") == 1


def test_hostile_names_and_values_are_printed_escaped(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    (folder / "evil.yaml").write_text(GOOD.replace("x", '"[/red]\\e]0;x\\a\\u202e"', 1))
    err = run(capsys, "evil.yaml")[2]
    assert "\x1b" not in err
    assert "\u202e" not in err
    assert "[/red]" in err


def test_no_torch_no_numpy_and_nothing_written(folder: Path) -> None:
    code = (
        "import sys; from rnnexp.cli.app import main; code = main(['validate', 'good.yaml']);"
        "print(code, {'torch', 'numpy', 'rich'} & set(sys.modules))"
    )
    before = set(folder.iterdir())
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.splitlines()[-1] == "0 set()"
    assert set(folder.iterdir()) == before
