"""The frame of the command line: help, usage errors, exit codes, nothing heavy imported."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rnnexp import __version__
from rnnexp.cli import app
from rnnexp.errors import ConfigError, DataError, Problem

COMMANDS = [
    "train",
    "resume",
    "evaluate",
    "predict",
    "generate",
    "compare-manual",
    "diagnose",
    "sweep",
    "reproduce",
    "runs",
    "init",
    "validate",
    "plan",
    "schema",
    "configs",
    "data",
    "bench",
    "doctor",
]
PAGES = [[name] for name in COMMANDS] + [
    ["runs", "ls"], ["runs", "show"], ["runs", "compare"], ["runs", "report"], ["runs", "rm"],
    ["configs", "ls"], ["configs", "cp"],
    ["data", "ls"], ["data", "get"],
]  # fmt: skip


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = app.main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_help_lists_every_command_in_order_with_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = run(capsys, "--help")
    listed = re.findall(r"^  ([a-z-]+)  +\S", out.partition("Commands:")[2], re.MULTILINE)
    assert code == 0
    assert listed[: len(COMMANDS)] == COMMANDS


@pytest.mark.parametrize("page", [[], *PAGES], ids=" ".join)
def test_every_help_page_ends_with_an_example(
    page: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, *page, "--help")
    assert code == 0
    example = out.rpartition("Example:\n")[2].splitlines()
    assert example
    assert all(line.startswith("  rnnexp ") for line in example)
    assert all(len(line) <= 80 for line in out.splitlines())


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"rnnexp {__version__}\n", "")


def test_without_a_command_the_help_is_shown_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys)
    assert (code, out) == (2, "")
    assert "Commands:" in err


@pytest.mark.parametrize(
    ("arguments", "code", "suggestion"),
    [
        (["trian", "x.yaml"], "CMD101", "train"),
        (["runs", "shwo"], "CMD101", "show"),
        (["runs", "ls", "--jsn"], "CMD102", "--json"),
        (["runs", "ls", "-x"], "CMD102", None),
        (["runs", "show"], "CMD103", None),
        (["runs", "ls", "--limit", "many"], "CMD104", None),
        (["runs", "ls", "--limit"], "CMD100", None),
        (["runs", "show", "a", "b"], "CMD100", None),
    ],
)
def test_usage_errors_come_in_our_form_and_as_json(
    arguments: list[str], code: str, suggestion: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, out, err = run(capsys, *arguments)
    assert (exit_code, out) == (2, "")
    assert err.startswith(f"error[{code}] ")
    assert "Traceback" not in err and "Usage" not in err
    given = [*arguments[:1], *arguments[1:], "--json"]
    exit_code, out, _ = run(capsys, *given)
    error = json.loads(out.splitlines()[-1])["errors"][0]
    assert exit_code == error["exit"] == 2
    if arguments[-1] != "--limit":  # there --json is read as the limit
        assert (error["code"], error["suggestion"]) == (code, suggestion)


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("rnnexp.reports.run_index.listing", fail)


def test_an_error_ends_with_its_exit_code_and_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, DataError("row 17 has 5 fields, expected 6"))
    code, out, err = run(capsys, "runs", "ls")
    assert (code, out, err) == (4, "", "error[DAT001] row 17 has 5 fields, expected 6\n")


def test_debug_adds_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, DataError("no rows"))
    code, _, err = run(capsys, "runs", "ls", "--debug")
    assert code == 4
    assert err.startswith("Traceback") and err.endswith("error[DAT001] no rows\n")


def test_every_problem_of_an_error_is_an_object(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, ConfigError([Problem("CFG102", "one"), Problem("CFG103", "two")]))
    code, out, _ = run(capsys, "runs", "ls", "--json")
    assert code == 3
    assert [error["code"] for error in json.loads(out)["errors"]] == ["CFG102", "CFG103"]


def test_anything_else_is_said_to_be_our_fault(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, ZeroDivisionError("\x1b[31mdivision"))
    code, _, err = run(capsys, "runs", "ls")
    assert code == 1
    assert "a bug in rnnexp: ZeroDivisionError" in err and "report" in err
    assert "Traceback" not in err and "\x1b" not in err
    code, _, err = run(capsys, "runs", "ls", "--debug")
    assert code == 1
    assert "Traceback" in err and "\x1b" not in err


def test_an_interruption_ends_with_130(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, KeyboardInterrupt())
    assert run(capsys, "runs", "ls") == (130, "", "")


# -- as processes ----------------------------------------------------------------------------------


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from rnnexp.cli.app import main; code = main(); " + (
        "print('LOADED', *sorted(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, check=False, env=os.environ | environment,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], {"torch", "numpy", "matplotlib", "pydantic", "rich", "yaml"}),
        (["runs", "ls"], {"torch", "numpy", "matplotlib", "yaml"}),
        (["validate", "nothing.yaml"], {"torch", "numpy", "matplotlib"}),
        (["schema"], {"torch", "numpy", "matplotlib"}),
        (["configs", "ls"], {"torch", "numpy", "matplotlib"}),
        (["data", "ls"], {"torch", "numpy", "matplotlib", "yaml"}),
    ],
)
def test_quick_commands_import_nothing_heavy(
    arguments: list[str], absent: set[str], tmp_path: Path
) -> None:
    done = process(*arguments, RNNEXP_RUNS=str(tmp_path))
    loaded = set(done.stderr.rpartition("LOADED ")[2].split())
    assert "rnnexp.cli.app" in loaded
    assert not loaded & absent


def test_a_reader_that_leaves_is_no_error() -> None:
    program = f"{sys.executable} -c 'from rnnexp.cli.app import main; raise SystemExit(main())'"
    done = subprocess.run(
        ["bash", "-c", f"{program} schema | head -c 1; echo ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1][-3:] in {"141", "{0"}


@pytest.mark.parametrize(
    "environment",
    [
        {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"COLUMNS": "20"}, {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=str,
)  # fmt: skip
def test_any_terminal_gets_plain_text(environment: dict[str, str], tmp_path: Path) -> None:
    done = process("runs", "ls", "--runs", f"{tmp_path}/\u202eü\x07", **environment)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout and "\x07" not in done.stdout and "\u202e" not in done.stdout
    if "LC_ALL" in environment:
        assert done.stdout.isascii()


def test_threads_give_their_core_away_soon_unless_the_user_says_how(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for given, expected in (
        ({}, "10000"),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
        ({"OMP_WAIT_POLICY": "active"}, None),
    ):
        for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
            monkeypatch.delenv(name, raising=False)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        run(capsys, "--version")
        assert os.environ.get("GOMP_SPINCOUNT") == expected
