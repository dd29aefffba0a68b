"""Peak memory of truncated BPTT, training and scoring, as the sequence grows.

    python -m benchmarks.truncated_memory [T ...]

One process for each T (B=1, one LSTM of 64, k1 = k2 = 50); peak above that after the first update,
the input aside.
"""

from __future__ import annotations

import resource
import subprocess
import sys

import numpy as np
import torch

from rnnexp.config.schema.model import Model
from rnnexp.config.schema.training import Training, Truncated
from rnnexp.data.batches import Batches
from rnnexp.data.dataset import Dataset, Sequences, Values
from rnnexp.layers.build import build_network
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.objective import Regression
from rnnexp.training.evaluation import evaluate, evaluation_batches
from rnnexp.training.trainer import Trainer

LENGTHS = (5_000, 50_000, 200_000)


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(time_steps: int) -> None:
    """Train and score one epoch of one sequence."""
    values = np.random.default_rng(0).standard_normal((1, time_steps, 1)).astype(np.float32)
    split = Sequences(values, values, origin=np.zeros(1, dtype=np.int64))
    dataset = Dataset(
        "noise", "many_to_many", split, split, split, Values(1), Values(1), consecutive=True
    )
    config = Training(batch_size=1, bptt=Truncated(k1=50, k2=50))
    network = build_network(Model(hidden_sizes=(64,)), dataset)
    task, cpu = ManyToManyTask(Regression("mse", None)), torch.device("cpu")
    train, val = Batches(dataset, "train", 1, 0), evaluation_batches(dataset, "val", 1, config.bptt)
    trainer = Trainer(config, network, task, train, val, cpu)
    updates = trainer.gradients.of_epoch(train, 0)
    trainer.updater.step(next(updates).loss, 1e-3)
    idle = peak_mib()
    for pending in updates:
        trainer.updater.step(pending.loss, 1e-3)
    trained = peak_mib() - idle
    evaluate(network, task, val, cpu)
    print(
        f"T {time_steps:>9,}  training {trained:.1f} MiB  and scoring {peak_mib() - idle:.1f} MiB"
    )


def main() -> None:
    if len(sys.argv) == 2:
        measure(int(sys.argv[1]))
        return
    for time_steps in sys.argv[1:] or LENGTHS:
        command = [sys.executable, "-m", "benchmarks.truncated_memory", str(time_steps)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
