"""Run folders as training leaves them, made by hand, and an HTML reader that forgives nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from rnnexp.recording.run_folder import RunFolder, State

VOID = {"meta", "br", "hr", "img", "input", "link"}
Make = Callable[..., Path]


class Page(HTMLParser):
    """What is in a page. Raises AssertionError where an element is not closed in its place.

    tables: captions and rows of cells. svgs: how many. attributes: all there are.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tables: list[tuple[str, list[list[str]]]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.headings: list[str] = []
        self.leads: list[str] = []
        self.text = ""
        self.svgs = 0
        self._target: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        self.svgs += tag == "svg"
        if tag == "table":
            self.tables.append(("", []))
        elif tag == "tr":
            self.tables[-1][1].append([])
        elif tag in ("td", "th", "h2", "p", "caption"):
            self._target = []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> within {self.open}"
        self.open.pop()
        words = "".join(self._target)
        if tag in ("td", "th"):
            self.tables[-1][1][-1].append(words)
        elif tag == "caption":
            self.tables[-1] = (words, self.tables[-1][1])
        elif tag == "h2":
            self.headings.append(words)
        elif tag == "p":
            self.leads.append(words)

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self._target.append(data)
            self.text += data

    def table(self, caption: str) -> list[list[str]]:
        """The rows, headings first, of the one table whose caption holds this."""
        (found,) = [rows for name, rows in self.tables if caption in name]
        return found


SETTINGS: dict[str, Any] = {
    "name": "cells",
    "seed": 0,
    "data": {"source": "sunspots", "window": 11},
    "task": {"kind": "many_to_one"},
    "model": {"cell": "rnn", "hidden_sizes": [8], "bidirectional": False},
    "training": {"mode": None, "optimizer": {"name": "adam", "lr": 0.003}},
}
BASELINES = {"persistence": {"test/rmse": 30.0}, "mean": {"test/rmse": 50.0}}


def changed(settings: dict[str, Any], keys: dict[str, Any]) -> dict[str, Any]:
    """A copy with dotted keys set."""
    tree: dict[str, Any] = json.loads(json.dumps(settings))
    for key, value in keys.items():
        section = tree
        for part in key.split(".")[:-1]:
            section = section[part]
        section[key.rpartition(".")[2]] = value
    return tree


@pytest.fixture
def make_run(tmp_path: Path) -> Make:
    """A run of sunspots: val/rmse and test/rmse as given, settings by dotted keys.

    steps: log lines of training, with a validation after every fourth.
    """

    def make(
        rmse: float | None = 20.0,
        *,
        seed: int = 0,
        state: State = "finished",
        steps: int = 16,
        files: dict[str, Any] | None = None,
        folder: str = "runs",
        **keys: Any,
    ) -> Path:
        settings = changed(
            SETTINGS, {"seed": seed} | {k.replace("__", "."): v for k, v in keys.items()}
        )
        with RunFolder.create(tmp_path / folder, "cells") as run:
            for step in range(10, 10 * steps + 1, 10):
                norms = {"grad_norm": 40 / step, "grad_norm_max": 80 / step}
                clip = {"clipped": 0.25, "clip_threshold": 1.0}
                run.metrics.append({"step": step, "train/loss": 1 / step + seed} | norms | clip)
                if step % 40 == 0:
                    run.metrics.append({"step": step, "val/loss": 2 / step + seed})
            run.write_json("env.json", {"versions": {"torch": "2.13.0"}, "threads": 1})
            for name, value in (files or {}).items():
                write = run.write_text if isinstance(value, str) else run.write_json
                write(name, value)
            if rmse is not None and state == "finished":
                metrics = {"val/rmse": rmse, "test/rmse": rmse + 1}
                run.write_json("summary.json", {
                    "name": "cells", "steps": 10 * steps, "seconds": 2.5, "best_step": 40,
                    "monitor": "val/rmse", "metrics": metrics, "baselines": BASELINES,
                    "settings": settings, "curve": [], "parameters": 97,
                })  # fmt: skip
            run.set_status(state, step=10 * steps, error="why" if state == "failed" else None)
        return run.path

    return make
