"""What the runner adds to a step: logging, clipping statistics, progress and checks.

    python -m benchmarks.runner_overhead

One process, the same layers, data, clip threshold and optimizer on both sides, short stretches in
turn. The bare loop reads the loss and calls `clip_grad_norm_`; the runner's side is `Trainer.fit`
with its log, progress lines and a real run folder. Reported: the median over rounds of the ratio of
seconds per step, first to last step, so validation and checkpoints at the end of an epoch are left
out on both sides. The rows of few time steps stand for layers several times faster: what the runner
adds is then the larger share.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import IO, Any

import torch
from torch.nn import functional as F

from rnnexp.cli.progress import PlainProgress
from rnnexp.config.config import Config
from rnnexp.config.schema import Experiment
from rnnexp.recording.run_folder import RunFolder
from rnnexp.running.runner import RunRecorder
from rnnexp.training.device import keep_freed_memory
from rnnexp.training.experiment import assemble
from rnnexp.training.interrupt import Interrupt
from rnnexp.training.journal import Journal, Observer, Silent

B, H, STEPS, ROUNDS = 32, 64, 120, 9
LENGTHS = (100, 10)


class Stopwatch(Silent):
    """Progress as a pipe sees it, with the time of the first and the last step."""

    def __init__(self, sink: IO[str]) -> None:
        self.progress: Observer = PlainProgress(sink)
        self.first = self.last = 0.0

    def logged(self, record: Mapping[str, Any]) -> None:
        self.progress.logged(record)

    def stepped(self, step: int, loss: float) -> None:
        self.progress.stepped(step, loss)
        self.last = time.perf_counter()
        self.first = self.first or self.last


def config(cell: str, time_steps: int) -> Config:
    experiment = Experiment.model_validate(
        {
            "name": f"overhead-{cell}",
            "data": {
                "source": "adding",
                "length": time_steps,
                "train": B * STEPS,
                "val": B,
                "test": B,
            },
            "task": {"kind": "many_to_one"},
            "model": {"cell": cell, "hidden_sizes": (H,)},
            "training": {"epochs": 1, "batch_size": B, "clip": {"norm": 1.0}, "threads": 1},
        }
    )
    return Config(experiment, Path("overhead.yaml"), "", (), {})


def runner(settings: Config, runs: Path) -> float:
    """Seconds per step of Trainer.fit."""
    with RunFolder.create(runs, "overhead") as run, Path(os.devnull).open("w") as sink:
        watch = Stopwatch(sink)
        trainer = assemble(settings).trainer()
        trainer.fit(Journal(RunRecorder(run, {}), watch, settings.experiment.training), Interrupt())
    return (watch.last - watch.first) / (STEPS - 1)


def bare(settings: Config) -> float:
    """Seconds per step of a loop written by hand around the same network."""
    experiment = assemble(settings)
    network, train = experiment.network, experiment.dataset.train
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    x_NTI, y_NO = torch.from_numpy(train.inputs), torch.from_numpy(train.targets)
    order = torch.randperm(len(x_NTI))
    network.train()
    first = last = 0.0
    for rows in order.view(-1, B):
        output, _ = network(x_NTI[rows].transpose(0, 1).contiguous())
        loss = F.mse_loss(output, y_NO[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        loss.item()
        last = time.perf_counter()
        first = first or last
    return (last - first) / (STEPS - 1)


def measure(cell: str, time_steps: int, runs: Path) -> Mapping[str, Any]:
    """Ours and theirs in turn; medians."""
    settings = config(cell, time_steps)
    pairs = [(runner(settings, runs), bare(settings)) for _ in range(ROUNDS)]
    return {
        "cell": cell,
        "time_steps": time_steps,
        "runner_ms": 1e3 * statistics.median(ours for ours, _ in pairs),
        "bare_ms": 1e3 * statistics.median(theirs for _, theirs in pairs),
        "ratio": statistics.median(ours / theirs for ours, theirs in pairs),
    }


def main() -> None:
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as runs:
        for time_steps, cell in product(LENGTHS, ("rnn", "lstm", "gru")):
            row = measure(cell, time_steps, Path(runs))
            text = "{cell:5} T {time_steps:3} {runner_ms:7.3f} ms {bare_ms:7.3f} ms {ratio:6.3f}"
            print(json.dumps(row) if "--json" in sys.argv else text.format(**row))


if __name__ == "__main__":
    main()
