"""Training on a GPU beside a loop written by hand around torch.nn's layers (cuDNN).

    python -m benchmarks.gpu_speed

One process, the same shapes, optimizer and clip threshold. By hand: `clip_grad_norm_`, fused Adam,
the loss read at every step, as most loops are. The runner: with losses and norms read many at once,
and read at every step. Reported: steps a second, medians over rounds in turn, and what the device
was asked to launch in a step. Without a GPU it says so and measures nothing.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from benchmarks.runner_overhead import STEPS, B, H, config
from rnnexp.config.config import Config
from rnnexp.recording.run_folder import RunFolder
from rnnexp.running.runner import RunRecorder
from rnnexp.training.device import keep_freed_memory
from rnnexp.training.experiment import Experiment, assemble
from rnnexp.training.interrupt import Interrupt
from rnnexp.training.journal import Journal, Silent
from rnnexp.training.trainer import Trainer

ROUNDS, LENGTHS = 5, (100, 1000)
LAYERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Laps(Silent):
    """When each update was told of; where many are read at once, the last one of them."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def stepped(self, step: int, loss: float) -> None:
        self.times.append(time.perf_counter())

    def rate(self) -> float:
        """Updates a second, without the first quarter: it warms up."""
        quarter = len(self.times) // 4
        return (len(self.times) - quarter) / (self.times[-1] - self.times[quarter - 1])


class ByHand(nn.Module):
    """One recurrent layer of torch's and a linear one that reads its last output."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        self.rnn, self.head = LAYERS[cell](2, H), nn.Linear(H, 1)

    def forward(self, x_TBI: torch.Tensor) -> torch.Tensor:
        h_TBH, _ = self.rnn(x_TBI)
        output: torch.Tensor = self.head(h_TBH[-1])
        return output


def by_hand(cell: str, experiment: Experiment) -> Laps:
    """The loop that most people would write."""
    device, laps = experiment.device, Laps()
    network, train = ByHand(cell).to(device), experiment.dataset.train
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    x_NTI, y_NO = torch.from_numpy(train.inputs), torch.from_numpy(train.targets)
    for step, rows in enumerate(torch.randperm(len(x_NTI)).view(-1, B)):
        x_TBI = x_NTI[rows].transpose(0, 1).contiguous().to(device)
        loss = F.mse_loss(network(x_TBI), y_NO[rows].to(device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        laps.stepped(step, loss.item())
    return laps


def runner(settings: Config, runs: Path, *, deferred: bool) -> Laps:
    """`Trainer.fit` in a run folder."""
    experiment, laps = assemble(settings), Laps()
    trainer = _trainer(experiment, deferred)
    with RunFolder.create(runs, "gpu") as run:
        journal = Journal(RunRecorder(run, {}), laps, trainer.config)
        trainer.fit(journal, Interrupt())
    return laps


def _trainer(experiment: Experiment, deferred: bool) -> Trainer:
    made = experiment.trainer()
    parts = made.config, made.network, made.task, made.train, made.val, made.device
    return Trainer(*parts, deferred)


@contextmanager
def launches(counted: list[float]) -> Iterator[None]:
    """Adds what the device ran in the block, kernels and copies, for each of its steps."""
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        yield
    events = profiler.events() or ()
    on_device = [event for event in events if event.device_type.name == "CUDA"]
    counted.append(len(on_device) / STEPS)


def measure(cell: str, time_steps: int, runs: Path) -> str:
    """A line: steps a second and launches a step of the three, and the ratio that counts."""
    settings = config(cell, time_steps)
    ways: dict[str, Callable[[], Laps]] = {
        "by hand": lambda: by_hand(cell, assemble(settings)),
        "runner": lambda: runner(settings, runs, deferred=True),
        "read each": lambda: runner(settings, runs, deferred=False),
    }
    rounds = [{name: way().rate() for name, way in ways.items()} for _ in range(ROUNDS)]
    rates = {name: statistics.median(each[name] for each in rounds) for name in ways}
    counted: list[float] = []
    for way in ways.values():
        with launches(counted):
            way()
    ratio = statistics.median(each["runner"] / each["by hand"] for each in rounds)
    columns = zip(rates.items(), counted, strict=True)
    texts = [f"{name} {rate:8.1f}/s {count:6.1f} launches" for (name, rate), count in columns]
    return f"{cell:5} T {time_steps:5}  " + "  ".join(texts) + f"  ratio {ratio:.3f}"


def main() -> None:
    if not torch.cuda.is_available():
        print("no GPU here: nothing was measured")
        return
    keep_freed_memory()
    print(torch.cuda.get_device_name())
    with tempfile.TemporaryDirectory() as runs:
        for time_steps, cell in product(LENGTHS, LAYERS):
            print(measure(cell, time_steps, Path(runs)), flush=True)


if __name__ == "__main__":
    main()
