"""Peak memory of truncated BPTT, training and scoring, as the sequence grows.

    python -m benchmarks.truncated_memory [T ...]

One process for each cell and T (B=1, one layer of 64, k1 = k2 = 50). Peak above idle, which is a
process that has loaded torch and has no data yet; the input aside: the data set and the one batch
that is cut from it. What loading the optimizer takes is shown apart. Exit 1 where the longest takes
more than 1.1 times what the shortest takes.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import torch

from rnnexp.config.model_settings import Model
from rnnexp.config.training_settings import Training, Truncated
from rnnexp.data.batches import Batches
from rnnexp.data.dataset import Dataset, Sequences, Values
from rnnexp.layers.assembly import build_network
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.objective import Regression
from rnnexp.training.evaluation import evaluate, evaluation_batches
from rnnexp.training.trainer import Trainer

LENGTHS = (10_000, 1_000_000)
CELLS = ("rnn", "gru", "lstm")
BOUND = 1.1
WINDOW = 50
FLOAT, COPIES = 4, 3  # the data set's values serve as targets too; of a batch both are copies


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def dataset_of(time_steps: int) -> Dataset:
    values = np.random.default_rng(0).standard_normal((1, time_steps, 1), dtype=np.float32)
    split = Sequences(values, values, origin=np.zeros(1, dtype=np.int64))
    return Dataset(
        "noise", "many_to_many", split, split, split, Values(1), Values(1), consecutive=True
    )


def measure(cell: str, time_steps: int) -> dict[str, float]:
    """Train and score one epoch of one sequence."""
    torch.set_num_threads(1)
    settings = Model.model_validate({"cell": cell, "hidden_sizes": (64,)})
    idle = peak_mib()
    _fit(settings, dataset_of(2))
    loading, given = peak_mib() - idle, COPIES * FLOAT * time_steps / 2**20

    training, scoring = _fit(settings, dataset_of(time_steps))
    found = {"training": training - idle - given, "scoring": scoring - idle - given}
    return found | {"loading": loading}


def _fit(settings: Model, dataset: Dataset) -> tuple[float, float]:
    """Peak MiB after one epoch of training, and after scoring."""
    config, cpu = Training(batch_size=1, bptt=Truncated(k1=WINDOW, k2=WINDOW)), torch.device("cpu")
    task, train = ManyToManyTask(Regression("mse", None)), Batches(dataset, "train", 1, 0)
    val = evaluation_batches(dataset, "val", 1, config.bptt)
    trainer = Trainer(config, build_network(settings, dataset), task, train, val, cpu)
    for pending in trainer.gradients.of_epoch(train, 0):
        trainer.updater.step(pending.loss, 1e-3)
    trained = peak_mib()
    evaluate(trainer.network, task, val, cpu)
    return trained, peak_mib()


def main() -> int:
    if "--one" in sys.argv:
        cell, steps = sys.argv[2:]
        print(json.dumps(measure(cell, int(steps))))
        return 0
    lengths = [int(each) for each in sys.argv[1:]] or LENGTHS
    return 1 if max(_growth(cell, lengths) for cell in CELLS) > BOUND else 0


def _growth(cell: str, lengths: Sequence[int]) -> float:
    """What the longest takes, in terms of the shortest."""
    taken: list[float] = []
    for time_steps in lengths:
        command = [sys.executable, "-m", "benchmarks.truncated_memory", "--one"]
        done = subprocess.run([*command, cell, str(time_steps)], check=True, capture_output=True)
        found = json.loads(done.stdout)
        taken.append(found["scoring"])
        print(
            f"{cell:<5}T {time_steps:>9,}  training {found['training']:.1f} MiB, and scoring"
            f" {taken[-1]:.1f} MiB, {found['loading']:.1f} MiB of it loading torch's optimizers"
            f"  ({taken[-1] / taken[0]:.3f}x)",
            flush=True,
        )
    return taken[-1] / taken[0]


if __name__ == "__main__":
    sys.exit(main())
