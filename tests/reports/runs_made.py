"""Run folders as a finished training leaves them, made in an instant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SETTINGS: Mapping[str, Any] = {
    "name": "x", "seed": 0,
    "data": {"source": "sunspots", "window": 11},
    "model": {"cell": "lstm", "hidden_sizes": [32], "dropout": 0.0},
    "training": {"optimizer": {"name": "adam", "lr": 0.001}, "clip": None, "mode": None,
                 "monitor": "val/rmse"},
}  # fmt: skip


def make_run(  # noqa: PLR0917
    runs: Path,
    cell: str = "lstm",
    seed: int = 0,
    rmse: float = 20.0,
    state: str = "finished",
    number: int = 0,
    **more: Any,
) -> Path:
    """A run whose folder says when it began by its number; `more` goes into summary.json."""
    path = runs / f"20260101-{number:06d}-x-{number:06x}"
    (path / "checkpoints").mkdir(parents=True)
    (path / "plots").mkdir()
    write(path / "status.json", {"state": state, "pid": 1, "host": "elsewhere", "step": 9})
    settings = json.loads(json.dumps(SETTINGS))
    settings["seed"], settings["model"]["cell"] = seed, cell
    summary = {
        "name": "x", "monitor": "val/rmse", "steps": 9, "seconds": 1.5, "best_step": 9,
        "metrics": {"val/loss": rmse / 10, "val/rmse": rmse, "test/rmse": rmse + 1},
        "baselines": {"persistence": {"test/rmse": 28.6}},
        "curve": [3.0, 2.0, 1.0], "settings": settings, **more,
    }  # fmt: skip
    if state == "finished":
        write(path / "summary.json", summary)
    return path


def write(path: Path, record: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(record), encoding="utf-8")


def make_sweep(runs: Path, name: str = "s-00000000", points: int = 4) -> Path:
    """A sweep of two labels and two seeds, of which one trial has failed and one is pruned."""
    path = runs / name
    (path / "trials").mkdir(parents=True)
    record = {"name": "s", "method": "grid", "points": points, "axes": ["remedy"],
              "state": "interrupted", "started": "2026-01-01T00:00:00+00:00"}  # fmt: skip
    write(path / "sweep.json", record)
    for number in range(4):
        label = ("none", "clip")[number // 2]
        trial = {"point": number, "labels": {"remedy": label},
                 "labelled": {"remedy": ["model.cell"]}}  # fmt: skip
        made = make_run(
            path / "trials", ("rnn", "lstm")[number // 2], number % 2, 30.0 - number,
            ("finished", "finished", "diverged", "pruned")[number] if points == 5 else "finished",
            number, trial=trial,
        )  # fmt: skip
        write(made / "trial.json", trial)
    return path
