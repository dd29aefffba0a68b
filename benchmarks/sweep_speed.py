"""64 small trials: a sweep against a shell loop over `rnnexp train`, in one run, by turns.

    python -m benchmarks.sweep_speed [--trials 64] [--rounds 3]

Prints trials per minute of both and their ratio (median over the rounds), and what a trial costs a
worker beyond its training. The training of a trial is about 0.3 s.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

RNNEXP = str(Path(sys.executable).parent / "rnnexp")
CONFIG = "configs/quickstart.yaml"
FIXED = (
    "training.epochs=17", "~training.early_stopping", "model.hidden_sizes=[16]", "model.dropout=0",
    "training.threads=1",
)  # fmt: skip
WORKERS = 2


def sweep(trials: int) -> tuple[float, float, float]:
    """Wall-clock seconds, those from the first trial's start to the last one's end, and those that
    the trials say they trained.
    """
    with tempfile.TemporaryDirectory() as runs:
        axes = [f"seed=0..{trials - 1}", *FIXED]
        command = [RNNEXP, "sweep", CONFIG, *axes, "-j", str(WORKERS), "--runs", runs]
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        wall = time.perf_counter() - began
        found = list(Path(runs).glob("*/trials/*"))
        trained = sum(_read(path / "summary.json")["seconds"] for path in found)
        states = [_read(path / "status.json") for path in found]
        first, last = (
            pick(datetime.fromisoformat(state[name]) for state in states)
            for pick, name in ((min, "started"), (max, "updated"))
        )
        return wall, (last - first).total_seconds(), trained


def _read(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def loop(trials: int) -> float:
    """Seconds of the same trials, one `rnnexp train` after the other, two loops side by side."""
    with tempfile.TemporaryDirectory() as runs:
        shell = " ".join([RNNEXP, "train", CONFIG, "seed=$s", *map(_quoted, FIXED), "--runs", runs])
        loops = [
            f"for s in $(seq {n} {WORKERS} {trials - 1}); do {shell}; done" for n in range(WORKERS)
        ]
        began = time.perf_counter()
        running = [
            subprocess.Popen(["bash", "-c", text], stdout=subprocess.DEVNULL) for text in loops
        ]
        assert not any(process.wait() for process in running)
        return time.perf_counter() - began


def one_loop(trials: int) -> float:
    """The same in one loop, as people write it."""
    with tempfile.TemporaryDirectory() as runs:
        shell = " ".join([RNNEXP, "train", CONFIG, "seed=$s", *map(_quoted, FIXED), "--runs", runs])
        began = time.perf_counter()
        text = f"for s in $(seq 0 {trials - 1}); do {shell}; done"
        subprocess.run(["bash", "-c", text], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began


def _quoted(text: str) -> str:
    return f"'{text}'"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    few = max(options.trials // 8, WORKERS)  # the loops are slow and steady: fewer of them tell
    ratios, twos, overheads = [], [], []
    for number in range(options.rounds):
        wall, busy, trained = sweep(options.trials)
        rate = 60 * options.trials / wall
        single, double = 60 * few / one_loop(few), 60 * few / loop(few)
        overhead = (busy * WORKERS - trained) / options.trials
        ratios.append(rate / single)
        twos.append(rate / double)
        overheads.append(overhead)
        print(
            f"round {number}: sweep {rate:.0f} trials/min, shell loop {single:.1f},"
            f" two shell loops {double:.1f}; start {wall - busy:.1f} s, then a trial trains"
            f" {trained / options.trials:.2f} s and costs its worker {overhead:.3f} s more"
        )
    print(
        f"sweep / shell loop {statistics.median(ratios):.1f},"
        f" sweep / two shell loops {statistics.median(twos):.1f},"
        f" overhead {statistics.median(overheads):.3f} s a trial"
    )


if __name__ == "__main__":
    main()
