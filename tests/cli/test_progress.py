"""What people see while a network trains, wherever the text goes."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rnnexp.cli.progress import LiveProgress, PlainProgress, make_progress
from rnnexp.cli.render import print_errors
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
    """As much of a terminal as carriage return needs."""

    def __init__(self, text: str) -> None:
        self.lines = [_overwritten(line) for line in text.split("\n")]


def _overwritten(line: str) -> str:
    shown = ""
    for part in line.split("\r"):
        shown = part + shown[len(part) :]
    return shown.rstrip()


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
    assert "model  " in text and "naive" in text and "21.5 *" in text
    assert text.rstrip().endswith(str(RUN))


def test_the_living_line_is_redrawn_and_wiped(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    play(LiveProgress(stream), clock)
    text = stream.getvalue()
    assert "\x1b" not in text
    assert text.count("\r") > 80
    shown = Screen(text).lines
    assert not any("ETA" in line for line in shown)
    assert [line for line in shown if line.startswith("step")] == [
        "step 100  epoch   1  val/rmse 20         train/loss 0.5        1 s",
        "step 200  epoch   1  val/rmse 20         train/loss 0.5        1 s",
    ]


@pytest.mark.parametrize("width", [80, 40, 20, 8])
def test_the_living_line_never_reaches_the_edge(
    width: int, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Terminal()
    progress = LiveProgress(stream)
    monkeypatch.setenv("COLUMNS", str(width))
    play(progress, clock)
    for line in stream.getvalue().split("\n"):
        if "ETA" in line or "/200" in line:
            assert all(len(part) < max(width, 2) for part in line.split("\r")[:-1])


def test_it_survives_a_terminal_that_changes_its_width(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = LiveProgress(Terminal())
    progress.started(RUN, None, {})
    for step in range(1, 100):
        monkeypatch.setenv("COLUMNS", str(1 + 37 * step % 120))
        clock[0] += 0.2
        progress.stepped(step, float("nan"))
        progress.logged({"step": step, "val/loss": "NaN"})
    progress.finished({})


def test_validations_that_come_fast_are_held_back_but_the_last_is_shown(
    clock: list[float],
) -> None:
    stream = Terminal()
    progress = LiveProgress(stream)
    progress.started(RUN, 100, DESCRIPTION)
    for step in range(1, 101):
        clock[0] += 0.01
        progress.logged({"step": step, "epoch": step, "val/loss": 0.5})
    progress.finished(SUMMARY)
    assert 4 <= stream.getvalue().count("val/loss") <= 8
    assert "step 100" in stream.getvalue()


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
    monkeypatch.setenv("NO_COLOR", "1")
    progress = LiveProgress(terminal)
    progress.started(RUN, 100, {})
    clock[0] += 1
    progress.stepped(1, 0.5)
    assert "1/100" in Screen(terminal.getvalue()).lines[-1]
    print_errors(DivergedError("loss is NaN at step 2"), as_json=False)
    assert Screen(terminal.getvalue()).lines[-2:] == ["error[DIV001] loss is NaN at step 2", ""]


def test_a_reader_that_leaves_does_not_stop_training() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        for progress in (PlainProgress(stream), LiveProgress(stream)):
            progress.interval = 0.0
            progress.started(RUN, 10, DESCRIPTION)
            progress.stepped(1, 0.5)
            progress.finished(SUMMARY)
