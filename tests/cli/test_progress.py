"""What people see while a network trains, wherever the text goes."""

from __future__ import annotations

import io
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rnnexp.cli.progress import LiveProgress, PlainProgress, make_progress
from rnnexp.cli.render import print_errors
from rnnexp.cli.terminal import wipe
from rnnexp.errors import DivergedError

RUN = Path("runs/20261123-143437-sunspots-fc5e89")
DESCRIPTION: dict[str, Any] = {
    "parameters": 21345,
    "device": "cpu",
    "threads": 2,
    "path": "torch (bidirectional)",
    "shape": [
        {"layer": "lstm 1", "in": "(B, 33, 1)", "out": "(B, 33, 64)", "return_sequences": True,
         "why": "the next layer reads every step"},
        {"layer": "output", "in": "(B, 64)", "out": "(B, 1)", "return_sequences": None, "why": ""},
    ],
    "data": {"source": "csv", "train": 183},
}  # fmt: skip
SUMMARY = {
    "name": "sunspots", "run": str(RUN), "status": "finished", "stopped_by": "epochs",
    "steps": 200, "seconds": 3.2, "best_step": 100, "monitor": "val/rmse",
    "metrics": {"val/rmse": 20.0, "test/rmse": 21.5}, "baselines": {"naive": {"test/rmse": 28.6}},
}  # fmt: skip


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Screen:
    """As much of a terminal as a line that is redrawn needs; `lines` is what is left to see."""

    def __init__(self, text: str) -> None:
        self.lines = [""]
        row = column = 0
        for piece in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", text):
            if piece == "\n":
                row, column = row + 1, 0
                self.lines += [""] * (row + 1 - len(self.lines))
            elif piece == "\r":
                column = 0
            elif piece == "\x1b[2K":
                self.lines[row] = ""
            elif piece == "\x1b[1A":
                row -= 1
            elif piece[0] != "\x1b":
                line = self.lines[row].ljust(column)
                self.lines[row] = line[:column] + piece + line[column + len(piece) :]
                column += len(piece)
            else:
                assert piece in ("\x1b[?25l", "\x1b[?25h")  # the cursor; colours are off
        self.lines = [line.rstrip() for line in self.lines]


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    yield
    wipe()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [100.0]
    monkeypatch.setattr("rnnexp.cli.progress.time.perf_counter", lambda: now[0])
    yield now


def play(progress: PlainProgress, clock: list[float], seconds_per_step: float = 0.1) -> None:
    progress.started(RUN, 200, DESCRIPTION)
    for step in range(1, 201):
        clock[0] += seconds_per_step
        progress.stepped(step, 1 / step)
        if step % 10 == 0:
            progress.logged({"step": step, "train/loss": 0.5, "grad_norm": 1.25, "clipped": 0.3})
        if step % 100 == 0:
            progress.logged({"step": step, "epoch": 1, "val/rmse": 20.0, "seconds": 1.0})
    progress.noted("early \x1bstop")
    progress.finished(SUMMARY)


def test_plain_lines_tell_plan_progress_validations_and_result(clock: list[float]) -> None:
    stream = io.StringIO()
    play(PlainProgress(stream), clock)
    text = stream.getvalue()
    assert "\r" not in text and "\x1b" not in text
    assert "lstm 1  (B, 33, 1)  (B, 33, 64)  yes       the next layer reads every step" in text
    assert "21,345 parameters, 200 steps" in text and "torch (bidirectional)" in text
    assert text.count("ETA") == 3  # 20 s, one line each 5 s, the last step needs none
    assert "51/200  loss 0.01961  ETA 15 s  grad 1.25  clip 30%  10 steps/s" in text
    assert "step 100  epoch   1  val/rmse 20         train/loss 0.5        1 s" in text
    assert "early \\x1bstop" in text
    assert "model  " in text and "naive" in text and "* 21.5" in text
    assert text.rstrip().endswith(str(RUN))


def test_the_living_line_is_redrawn_and_wiped(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    play(LiveProgress(stream), clock)
    text = stream.getvalue()
    assert text.count("ETA") > 80
    shown = Screen(text).lines
    assert not any("ETA" in line for line in shown)
    assert [line for line in shown if line.startswith("step")] == [
        "step 100  epoch   1  val/rmse 20         train/loss 0.5        1 s",
        "step 200  epoch   1  val/rmse 20         train/loss 0.5        1 s",
    ]


@pytest.mark.parametrize("width", [80, 40, 20, 8, 1])
def test_the_living_line_never_reaches_the_edge(
    width: int, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    stream = Terminal()
    progress = LiveProgress(stream)
    progress.started(RUN, 200, {})
    for step in range(1, 200):
        clock[0] += 0.2
        progress.stepped(step, 1 / step)
        assert 0 < len(Screen(stream.getvalue()).lines[-1]) <= max(width - len("^C"), 1)


def test_it_survives_a_terminal_that_changes_its_width(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    stream = Terminal()
    progress = LiveProgress(stream)
    progress.started(RUN, None, {})
    for step in range(1, 100):
        size = os.terminal_size((1 + 37 * step % 120, 24))
        monkeypatch.setattr("os.get_terminal_size", lambda *_, size=size: size)
        clock[0] += 0.2
        progress.stepped(step, float("nan"))
        assert len(Screen(stream.getvalue()).lines[-1]) <= max(size.columns - len("^C"), 1)
        progress.logged({"step": step, "val/loss": "NaN"})
    progress.finished({})


def test_the_living_line_is_ascii_where_nothing_else_is_known(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    play(LiveProgress(stream), clock)
    assert stream.getvalue().isascii()


def test_a_slow_terminal_is_redrawn_less_often(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Terminal):
        def flush(self) -> None:
            clock[0] += 0.01

    stream = Slow()
    progress = LiveProgress(stream)
    progress.started(RUN, 10**6, {})
    spent, began = 0.0, clock[0]
    for step in range(2000):
        clock[0] += 0.01
        before = clock[0]
        progress.stepped(step, 0.5)
        spent += clock[0] - before
    assert 0 < spent < 0.01 * (clock[0] - began)


def test_a_validation_is_written_above_the_living_line(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    progress = LiveProgress(stream)
    progress.started(RUN, 100, {})
    clock[0] += 1
    progress.stepped(1, 0.5)
    progress.logged({"step": 1, "epoch": 0, "val/loss": 0.25})
    text = stream.getvalue()
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is hidden"
    above, line = Screen(stream.getvalue()).lines[-2:]
    assert above.startswith("step   1  epoch   0  val/loss 0.25")
    assert "1/100  loss 0.5" in line


@pytest.mark.parametrize(("kind", "shown"), [(LiveProgress, 6), (PlainProgress, 2)])
def test_validations_that_come_fast_are_held_back_but_the_first_and_the_last_are_shown(
    kind: type[PlainProgress], shown: int, clock: list[float]
) -> None:
    stream = Terminal()
    progress = kind(stream)
    progress.started(RUN, 100, DESCRIPTION)
    for step in range(1, 101):
        clock[0] += 0.01
        progress.logged({"step": step, "epoch": step, "val/loss": 0.5})
    progress.finished(SUMMARY)
    lines = [line for line in stream.getvalue().splitlines() if "val/loss" in line]
    assert abs(len(lines) - shown) <= 1
    assert "step   1  epoch   1" in lines[0] and "step 100  epoch 100" in lines[-1]


def test_json_is_last_on_stdout_and_the_rest_on_stderr(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    progress = make_progress(json=True)
    assert isinstance(progress, PlainProgress)
    play(progress, clock)
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert list(result) == ["run", "status", "metrics", "baselines", "seconds", "steps"]
    assert result["baselines"] == {"naive": {"test/rmse": 28.6}}
    assert "early" in captured.err


def test_a_step_costs_next_to_nothing() -> None:
    """The promise is 5 microseconds; ten times that is allowed to a machine under load."""
    progress = LiveProgress(Terminal())
    progress.started(RUN, 10**6, DESCRIPTION)
    steps = 20_000
    began = time.process_time()
    for step in range(steps):
        progress.stepped(step, 0.5)
    assert (time.process_time() - began) / steps < 50e-6


def test_an_error_starts_on_a_line_of_its_own(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    progress = LiveProgress(terminal)
    progress.started(RUN, 100, {})
    clock[0] += 1
    progress.stepped(1, 0.5)
    assert "1/100" in Screen(terminal.getvalue()).lines[-1]
    print_errors(DivergedError("loss is NaN at step 2"), as_json=False)
    assert Screen(terminal.getvalue()).lines[-2:] == ["error[DIV001] loss is NaN at step 2", ""]


@pytest.mark.parametrize("kind", [PlainProgress, LiveProgress])
def test_a_reader_that_leaves_does_not_stop_training(kind: type[PlainProgress]) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        progress = kind(stream)
        progress.interval = 0.0
        progress.started(RUN, 10, DESCRIPTION)
        os.close(reading)
        progress.stepped(1, 0.5)
        progress.stepped(2, 0.5)
        progress.finished(SUMMARY)
