"""Errors and tables on any terminal, with anything in them."""

from __future__ import annotations

import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnexp.cli.render import error_lines, error_objects, print_errors
from rnnexp.cli.results import score_table
from rnnexp.cli.tables import Column, table
from rnnexp.cli.terminal import cells, duration, number, print_text, safe, shown, to_ascii
from rnnexp.errors import ConfigError, Position, Problem

UNKNOWN_KEY = Problem(
    code="CFG102",
    message="unknown key",
    position=Position("exp.yaml", 7, 3),
    key="model.hiden_sizes",
    value=64,
    allowed="cell, hidden_sizes, dropout",
    suggestion="hidden_sizes",
    hint="sizes are a list\none entry a layer",
)


def test_an_error_has_an_address_and_a_way_out() -> None:
    assert error_lines(UNKNOWN_KEY) == [
        "exp.yaml:7:3: error[CFG102] model.hiden_sizes: unknown key (got 64)",
        "  did you mean: hidden_sizes?    allowed: cell, hidden_sizes, dropout",
        "  sizes are a list",
        "  one entry a layer",
    ]


@pytest.mark.parametrize("width", [80, 40, 20])
def test_lines_fit_the_terminal_unless_one_word_does_not(width: int) -> None:
    long = Problem("CFG1", "word " * 40, Position("a.yaml", 1, 1), allowed="x, " * 40)
    for line in error_lines(UNKNOWN_KEY, width) + error_lines(long, width):
        assert len(line) <= width or " " not in line.strip()
    assert len(error_lines(long, width)) > 3


def test_a_path_is_never_broken() -> None:
    path = "/" + "long-folder-name/" * 6 + "a.yaml"
    lines = error_lines(Problem("CFG1", "no such file", Position(path, 1, 2)), 40)
    assert any(path in line for line in lines)


@given(st.text())
def test_nothing_invisible_reaches_the_terminal(text: str) -> None:
    problem = Problem("X1", text, Position(text, 1, 1), text, text, text, text, text)
    for line in error_lines(problem, 80):
        assert not any(unicodedata.category(character)[0] == "C" for character in line)
        assert "\u2028" not in line and "\u2029" not in line


def test_values_are_escaped_and_cut() -> None:
    assert shown("a\x1b]0;x\a\u202e") == r"'a\x1b]0;x\x07\u202e'"
    assert len(shown("x" * 500)) == 80
    assert shown(10**5000) == "a int too long to show"
    assert safe("[bold]x[/]") == "[bold]x[/]"


@given(st.none() | st.text() | st.integers() | st.floats() | st.lists(st.integers()) | st.binary())
def test_json_is_valid_for_any_value(value: object) -> None:
    error = ConfigError(Problem("CFG1", "bad", value=value))
    line = json.dumps(error_objects(error)[0], default=lambda _: pytest.fail("not plain"))
    assert json.loads(line)["exit"] == 3


def test_json_comes_last_on_stdout_and_text_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    print_errors(ConfigError([UNKNOWN_KEY, Problem("CFG1", "worse", exit=10)]), as_json=True)
    captured = capsys.readouterr()
    first, second = json.loads(captured.out)["errors"]
    assert first == {
        "code": "CFG102", "file": "exp.yaml", "line": 7, "column": 3, "key": "model.hiden_sizes",
        "value": 64, "allowed": "cell, hidden_sizes, dropout", "suggestion": "hidden_sizes",
        "hint": "sizes are a list\none entry a layer", "exit": 3, "message": "unknown key",
    }  # fmt: skip
    assert second["exit"] == 10
    assert captured.err.count("error[") == 2


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Utf8(io.StringIO):
    encoding = "utf-8"


class Ascii(io.StringIO):
    encoding = "ascii"


def test_an_ascii_stream_gets_ascii() -> None:
    stream = Ascii()
    print_text("─ 3 × ü \U0001f600 \ud800", stream)
    assert stream.getvalue() == "- 3 x \\xfc \\U0001f600 \\ud800\n"
    assert to_ascii("loss ≤ 3…") == "loss <= 3~"


@pytest.mark.parametrize("off", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {}])
def test_colours_only_where_they_are_wanted(
    off: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rnnexp.cli.terminal import style

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in off.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b" in style("x", "red", Terminal())) is (not off)
    assert "\x1b" not in style("x", "red", io.StringIO())


def test_numbers_and_times() -> None:
    assert [number(value) for value in (1234, 0.123456, float("nan"), None, True)] == [
        "1,234", "0.1235", "nan", "", "True",
    ]  # fmt: skip
    assert [duration(s) for s in (0.0012, 0.85, 3.52, 12.0, 150, 7200.0, 10**6)] == [
        "1.2 ms", "850 ms", "3.5 s", "12 s", "2 min", "2 h", "12 d",
    ]  # fmt: skip


ROWS = [["20261123-143437-x-fc5e89", "finished", "20.1"], ["b", "", "9"]]
COLUMNS = [Column("run"), Column("state", goes=2), Column("val", right=True, goes=1)]


def test_a_table_leaves_out_columns_then_becomes_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    def at(width: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        text: str = table(COLUMNS, ROWS, io.StringIO())
        return text.splitlines()

    assert at(30)[2:] == ["20261123-143437-x-fc5e89  20.1", "b                            9"]
    assert at(24)[2:] == ["20261123-143437-x-fc5e89", "b"]
    assert at(20)[:3] == ["run    20261123-143437-x-fc5e89", "state  finished", "val    20.1"]


def test_a_table_for_a_file_is_as_wide_as_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    long = "word " * 100
    columns = [*COLUMNS, Column("why", wraps=True)]
    _, _, first, second = table(columns, [[*row, long] for row in ROWS], io.StringIO()).splitlines()
    assert first == f"20261123-143437-x-fc5e89  finished  20.1  {long.rstrip()}"
    assert second == f"b                                      9  {long.rstrip()}"


def test_a_table_is_as_wide_as_its_wide_characters() -> None:
    text = table([Column("a"), Column("b")], [["\u6f22\u5b57", "x"], ["ab", "y"]], Utf8())
    assert {cells(line) for line in text.splitlines()[2:]} == {7}


@given(st.text(), st.integers(1, 100))
def test_a_table_fits_any_terminal_and_reads_no_markup(text: str, width: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        columns = [Column("a"), Column("b", goes=1), Column("[red]c", wraps=True)]
        made = table(columns, [["x", (safe(text), "red"), f"[red]{safe(text)}[/]"]], io.StringIO())
    assert not any(unicodedata.category(sign)[0] == "C" for sign in made.replace("\n", ""))
    assert made.count("[red]") >= 2


def test_a_table_in_ascii_stays_straight() -> None:
    lines = table([Column("a"), Column("b")], [["\xfc", "x"], ["ab", "y"]], Ascii()).splitlines()
    assert lines[2:] == ["\\xfc  x", "ab    y"]


def test_the_best_score_is_marked_by_a_star() -> None:
    metrics = {"val/loss": 1.0, "test/rmse": 21.5, "test/accuracy": 0.9, "test/loss": 0.1}
    baselines = {"naive": {"test/rmse": 20.0, "test/accuracy": 0.5}}
    lines = score_table(metrics, baselines, io.StringIO()).splitlines()
    assert lines[0].split() == ["test/rmse", "test/accuracy", "test/loss"]
    assert lines[2].split() == ["model", "21.5", "*", "0.9", "0.1"]
    assert lines[3].split() == ["naive", "*", "20", "0.5"]
