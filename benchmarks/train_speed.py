"""The whole of `rnnexp train` against loops written by hand, in steps per second.

    RNNEXP_DATA=... python -m benchmarks.train_speed [--rounds 5] [--config NAME] [--cell CELL]

Three configs of the gallery (the quickstart, tiny Shakespeare, adding), each with every cell.
Against a bare torch.nn loop of the same model in a process of its own, once with torch's own number
of threads and once with ours, and against a bare loop around rnnexp's own network in the process of
the runner: what the runner adds. By turns, medians of the rounds' ratios; `step` counts steps
within epochs, as benchmarks/runner_overhead.py does, `whole` also validation and checkpoints.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rnnexp.benching.measure import Process
from rnnexp.libraries import SETTINGS

CELLS = ("rnn", "gru", "lstm")
CUT = ("~training.schedule", "~training.early_stopping", "~training.max_minutes")
CONFIGS: Mapping[str, tuple[str, ...]] = {
    "configs/quickstart.yaml": ("training.max_steps=260",),
    "configs/many_to_many/shakespeare.yaml": ("training.max_steps=30",),
    "configs/long_range/adding_lstm.yaml": ("training.max_steps=100", "data.train=5050"),
}
SIDES = ("rnnexp", "torch", "same")


def measure(config: str, cell: str, rounds: int) -> dict[str, Any]:
    """Ratios over 1: rnnexp makes more steps per second. overhead: what the runner adds."""
    with ExitStack() as stack:
        workers = {side: _start(stack, side, config, cell) for side in SIDES}
        ready = {side: worker.hear()["ready"] for side, worker in workers.items()}
        found = [_round(workers) for _ in range(rounds)]
    return {
        "config": config,
        "cell": cell,
        "threads": {side: ready[side]["threads"] for side in SIDES},
        "parameters": {side: ready[side]["parameters"] for side in SIDES},
        "steps_per_second": {
            name: 1 / statistics.median(each[name]["step"] for each in found) for name in found[0]
        },
        **{
            kind: {name: _ratio(found, name, kind) for name in ("torch", "same", "bare")}
            for kind in ("step", "whole")
        },
    }


def _start(stack: ExitStack, side: str, config: str, cell: str) -> Process:
    overrides = [f"model.cell={cell}", *_cuts(config, cell), *CONFIGS[config]]
    command = [sys.executable, "-m", "benchmarks.train_loops", side, config, *overrides]
    own = SETTINGS if side == "rnnexp" else {}  # as `rnnexp train` begins
    worker = Process(command, {**os.environ, **own})
    stack.callback(worker.kill)
    return worker


def _cuts(config: str, cell: str) -> Sequence[str]:
    """What the config says for its own cell and run, taken out."""
    text = Path(config).read_text(encoding="utf-8")
    cuts = [cut for cut in CUT if f"{cut.rpartition('.')[2]}:" in text]
    if cell != "lstm" and "forget_bias:" in text:
        cuts.append("~model.forget_bias")
    return cuts


def _round(workers: Mapping[str, Process]) -> dict[str, dict[str, float]]:
    return {
        "runner": workers["rnnexp"].ask(do="runner"),
        "bare": workers["rnnexp"].ask(do="bare"),
        "torch": workers["torch"].ask(do="bare"),
        "same": workers["same"].ask(do="bare"),
    }


def _ratio(found: Sequence[Mapping[str, Mapping[str, float]]], name: str, kind: str) -> float:
    return statistics.median(each[name][kind] / each["runner"][kind] for each in found)


def told(row: Mapping[str, Any]) -> str:
    """One line for people."""
    threads, rate = row["threads"], row["steps_per_second"]
    step, whole = row["step"], row["whole"]
    return (
        f"{row['config']:40} {row['cell']:4} {rate['runner']:7.1f} steps/s, torch"
        f" {rate['torch']:7.1f} ({threads['torch']} threads, ours {threads['rnnexp']}):"
        f" {step['torch']:.2f}x, with our threads {step['same']:.2f}x; runner adds"
        f" {1 / step['bare'] - 1:+.1%}; whole {whole['torch']:.2f}x, {whole['same']:.2f}x"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--config", choices=list(CONFIGS), action="append")
    parser.add_argument("--cell", choices=CELLS, action="append")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for config in options.config or CONFIGS:
        for cell in options.cell or CELLS:
            row = measure(config, cell, options.rounds)
            print(json.dumps(row) if options.json else told(row), flush=True)


if __name__ == "__main__":
    main()
