"""What activation checkpointing saves and what it costs: memory and time against the segment.

    python -m benchmarks.checkpointing [T ...]

One process for each T and each `checkpoint_every` (B=16, one layer of 64, one answer at the end):
peak above that after a first update on short sequences, the input aside, and the seconds of the
fastest of three updates.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import time

import numpy as np
import torch

from rnnexp.config.model_settings import Model
from rnnexp.config.training_settings import Training
from rnnexp.data.batches import Batches
from rnnexp.data.dataset import Dataset, Sequences, Values
from rnnexp.layers.assembly import build_network
from rnnexp.tasks.many_to_one import ManyToOneTask
from rnnexp.tasks.objective import Regression
from rnnexp.training.gradients import Gradients

LENGTHS = (2_000, 10_000)
CELLS = ("rnn", "gru", "lstm")
BATCH, HIDDEN, UPDATES, SHORT = 16, 64, 3, 8


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def dataset_of(time_steps: int) -> Dataset:
    random = np.random.default_rng(0)
    inputs = random.standard_normal((BATCH, time_steps, 1)).astype(np.float32)
    split = Sequences(inputs, random.standard_normal((BATCH, 1)).astype(np.float32))
    return Dataset("noise", "many_to_one", split, split, split, Values(1), Values(1))


def measure(cell: str, time_steps: int, every: int | None) -> dict[str, float]:
    """Peak MiB and seconds of an update; every: None keeps everything."""
    torch.set_num_threads(1)
    dataset = dataset_of(time_steps)
    bptt = "full" if every is None else {"full": True, "checkpoint_every": every}
    config = Training.model_validate({"batch_size": BATCH, "bptt": bptt})
    network = build_network(
        Model.model_validate({"cell": cell, "hidden_sizes": (HIDDEN,)}), dataset
    )
    task, cpu = ManyToOneTask(Regression("mse", None)), torch.device("cpu")
    gradients, train = Gradients(config, network, task, cpu), Batches(dataset, "train", BATCH, 0)
    batch = train.take(np.arange(BATCH))
    network(batch.inputs[:SHORT])[0].sum().backward()
    idle, seconds = peak_mib(), []
    for epoch in range(UPDATES):
        network.zero_grad()
        begin = time.perf_counter()
        next(gradients.of_epoch(train, epoch))
        seconds.append(time.perf_counter() - begin)
    return {"mib": peak_mib() - idle, "seconds": min(seconds)}


def main() -> None:
    if "--one" in sys.argv:
        cell, steps, every = sys.argv[2:]
        print(json.dumps(measure(cell, int(steps), int(every) or None)))
        return
    for time_steps in [int(each) for each in sys.argv[1:]] or LENGTHS:
        for each in CELLS:
            _table(each, time_steps)


def _table(cell: str, time_steps: int) -> None:
    whole = None
    for every in (0, 8, 32, 128, math.isqrt(time_steps)):
        command = [sys.executable, "-m", "benchmarks.checkpointing", "--one"]
        command += [cell, str(time_steps), str(every)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        whole = whole or found
        memory, cost = (found[name] / whole[name] for name in ("mib", "seconds"))
        print(
            f"{cell:<5}T {time_steps:>6,}  checkpoint_every {every or 'none':>5}"
            f"  {found['mib']:>8.1f} MiB ({memory:>4.0%})"
            f"  {found['seconds']:>7.3f} s a step ({cost:.2f}x)",
            flush=True,
        )


if __name__ == "__main__":
    main()
