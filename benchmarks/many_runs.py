"""How long `runs compare` and `runs ls` take over thousands of runs, and how much memory.

    python -m benchmarks.many_runs --runs 1000 10000

One real run is trained on data that comes with rnnexp and copied with varied settings, scores and
curves. Whole processes, the best of three; peak memory as the kernel counts it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rnnexp.config.gallery import find

REPEATS = 3
SEEDS = 5
FOLDERS_BESIDE = ("checkpoints", "plots")
RNNEXP = str(Path(sys.executable).parent / "rnnexp")
COMMANDS = (["runs", "compare"], ["runs", "compare", "--json"], ["runs", "ls"],
            ["runs", "ls", "--json"])  # fmt: skip


def one_run(folder: Path) -> Path:
    """A real run, trained briefly."""
    changes = ["training.epochs=2", "~training.early_stopping"]
    command = [RNNEXP, "train", str(find("quickstart").path), *changes]
    subprocess.run([*command, "--runs", str(folder)], check=True, capture_output=True)
    return next(folder.iterdir())


def make_runs(model: Path, folder: Path, count: int) -> None:
    """`count` finished runs in a folder, of `count / 5` settings with five seeds each."""
    summary = json.loads((model / "summary.json").read_text(encoding="utf-8"))
    status = json.loads((model / "status.json").read_text(encoding="utf-8"))
    log = (model / "metrics.jsonl").read_bytes()
    began, chance = datetime(2026, 1, 1, tzinfo=UTC), random.Random(0)
    for number in range(count):
        started = began + timedelta(minutes=number)
        run = folder / f"{started:%Y%m%d-%H%M%S}-{summary['name']}-{number:06x}"
        for part in FOLDERS_BESIDE:
            (run / part).mkdir(parents=True)
        made = varied(summary, number // SEEDS, number % SEEDS, chance) | {"run": str(run)}
        (run / "summary.json").write_text(json.dumps(made, indent=2), encoding="utf-8")
        begun = status | {"started": started.isoformat()}
        (run / "status.json").write_text(json.dumps(begun), encoding="utf-8")
        (run / "metrics.jsonl").write_bytes(log)


def varied(
    summary: Mapping[str, Any], group: int, seed: int, chance: random.Random
) -> dict[str, Any]:
    """The summary of another run: other settings, other scores."""
    made: dict[str, Any] = json.loads(json.dumps(summary))
    settings = made["settings"]
    settings["seed"] = seed
    settings["model"]["cell"] = ("rnn", "lstm", "gru")[group % 3]
    settings["model"]["hidden_sizes"] = [8 * (1 + group // 3 % 8)] * 2
    settings["training"]["optimizer"]["lr"] = 10 ** random.Random(group).uniform(-4, -2)
    made["metrics"] = {k: v * chance.uniform(0.9, 1.1) for k, v in made["metrics"].items()}
    made["curve"] = [made["metrics"]["val/loss"] * (1 + 3 / step) for step in range(1, 33)]
    return made


def measured(command: list[str]) -> tuple[float, float]:
    """Seconds and peak megabytes of a whole process; the best of a few."""
    found = [_once(command) for _ in range(REPEATS)]
    return min(seconds for seconds, _ in found), min(memory for _, memory in found)


def _once(command: list[str]) -> tuple[float, float]:
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, code, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {process.returncode}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[1000, 10_000])
    with tempfile.TemporaryDirectory() as folder:
        model = one_run(Path(folder) / "model")
        for count in parser.parse_args().runs:
            runs = Path(folder) / str(count)
            make_runs(model, runs, count)
            for arguments in COMMANDS:
                seconds, memory = measured([RNNEXP, *arguments, "--runs", str(runs)])
                print(
                    f"{count:>7,} runs  {' '.join(arguments):22} {seconds:5.2f} s {memory:6.0f} MB"
                )


if __name__ == "__main__":
    main()
