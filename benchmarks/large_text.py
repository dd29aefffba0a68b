"""Peak memory and seconds of training on texts of 1x and 10x the size: `source: text` streams.

    python -m benchmarks.large_text [--megabytes 200] [--unit character] [--folder FOLDER]

Python's own documentation, its lines in another order in every copy. Each size is a process of its
own: encode, train 50 updates, score; peak above the same process after its imports. Texts and
their ids are removed at the end; FOLDER must have room for twice the larger text.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import rnnexp.reports.plots  # noqa: F401
from rnnexp.config.loading import load_config
from rnnexp.data.sources.python_docs import topics_text
from rnnexp.running import runner
from rnnexp.training.journal import Silent

STEPS = 50
CONFIG = """\
name: large-text
data:
  source: text
  path: {path}
  unit: {unit}
  split: {{train: 0.998, val: 0.001, test: 0.001}}
task: {{kind: many_to_many}}
model: {{cell: lstm, hidden_sizes: [128], embedding: 32}}
training: {{max_steps: {steps}, epochs: 1, threads: 1}}
"""


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_text(path: Path, megabytes: int) -> None:
    """Copies of the documentation, each with its lines shuffled and a number of its own."""
    rng, lines = random.Random(0), topics_text().splitlines(keepends=True)
    with path.open("w", encoding="utf-8") as file:
        copy = 0
        while file.tell() < megabytes * 1_000_000:
            rng.shuffle(lines)
            copy += 1
            file.write(f"Copy {copy}\n{''.join(lines)}\n")


def measure(config: Path) -> None:
    """Train one config and print what it took."""
    idle, began = peak_mib(), time.perf_counter()
    loaded = load_config(config)
    size = Path(loaded.file("data.path")).stat().st_size
    summary = runner.train(loaded, config.parent / "runs", Silent())
    seconds = time.perf_counter() - began
    print(
        f"{size / 1e6:>7,.0f} MB  peak {peak_mib() - idle:6.1f} MiB above idle ({idle:.0f} MiB)  "
        f"{seconds:6.1f} s in all, {summary['seconds']:.1f} s of it training {STEPS} updates",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--unit", default="character")
    parser.add_argument("--folder")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        for megabytes in (options.megabytes, 10 * options.megabytes):
            write_text(folder / "text.txt", megabytes)
            config = folder / "config.yaml"
            values = {"path": "text.txt", "unit": options.unit, "steps": STEPS}
            config.write_text(CONFIG.format(**values))
            command = [sys.executable, "-m", "benchmarks.large_text", "--measure", str(config)]
            environment = os.environ | {"RNNEXP_DATA": str(folder / "cache")}
            for _ in ("encodes", "finds the ids in the cache"):
                subprocess.run(command, check=True, env=environment)


if __name__ == "__main__":
    main()
