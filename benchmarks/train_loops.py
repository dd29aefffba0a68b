"""The processes of benchmarks/train_speed.py: a config trained by the runner, and by hand.

    python -m benchmarks.train_loops rnnexp|torch|same CONFIG OVERRIDE ...

Answers questions on stdin, one JSON object a line: `{"do": "runner"}` and `{"do": "bare"}`, with
seconds per step. `rnnexp` knows both and has the allocator and the threads of `rnnexp train`; its
bare loop runs the very network of the config. `torch` is a script as people write it: torch.nn's
layers, torch's own allocator and threads; `same` has as many threads as rnnexp takes.

A loop written by hand is as quick as it can be without our layers: batches are laid out before,
Adam is fused, the learning rate is constant, nothing is logged but the loss of every step.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.runner_overhead import Stopwatch
from rnnexp.benching.measure import Record, claim_stdout, serve
from rnnexp.config.loading import load_config
from rnnexp.config.model_settings import Model
from rnnexp.data.dataset import Sequences, Tokens
from rnnexp.recording.run_folder import RunFolder
from rnnexp.running.runner import RunRecorder
from rnnexp.training.device import keep_freed_memory
from rnnexp.training.experiment import Experiment, assemble
from rnnexp.training.interrupt import Interrupt
from rnnexp.training.journal import Journal
from rnnexp.training.optimizers import build_optimizer
from rnnexp.training.trainer import updates_per_epoch

Pair = tuple[Tensor, Tensor]
Forward = Callable[[Tensor, Any], tuple[Tensor, Any]]


class Times(Stopwatch):
    """The moment of every step."""

    def __init__(self, sink: Any) -> None:
        super().__init__(sink)
        self.moments: list[float] = []

    def stepped(self, step: int, loss: float) -> None:
        super().stepped(step, loss)
        self.moments.append(time.perf_counter())


def answer_of(moments: list[float], per_epoch: int) -> Record:
    """Seconds per step: `step` within epochs, `whole` from the first step to the last, with what
    comes at the end of an epoch.
    """
    gaps = np.diff(moments)
    inside = (np.arange(len(gaps)) + 1) % per_epoch != 0
    return {"step": float(gaps[inside].mean()), "whole": float(gaps.mean())}


def by_runner(experiment: Experiment, runs: Path) -> Record:
    """`Trainer.fit` with log, progress, checkpoints and a real run folder."""
    training = experiment.config.experiment.training
    with RunFolder.create(runs, "speed") as run, Path(os.devnull).open("w") as sink:
        watch, trainer = Times(sink), experiment.trainer()
        trainer.fit(Journal(RunRecorder(run, {}), watch, training), Interrupt())
    return answer_of(watch.moments, updates_per_epoch(training, trainer.train))


class ByHand(nn.Module):
    """The same network out of torch.nn: embedding where there are tokens, layers, linear head."""

    def __init__(self, model: Model, inputs: Any, outputs: Any) -> None:
        super().__init__()
        size = inputs.size
        self.embed: nn.Module = nn.Identity()
        if isinstance(inputs, Tokens):
            assert model.embedding is not None
            size = model.embedding
            self.embed = nn.Embedding(inputs.size, size)
        hidden, layers = model.hidden_sizes[0], len(model.hidden_sizes)
        assert set(model.hidden_sizes) == {hidden}, "torch.nn stacks equal layers"
        more = {"nonlinearity": model.activation or "tanh"} if model.cell == "rnn" else {}
        make = getattr(nn, model.cell.upper())
        self.layers = make(size, hidden, layers, dropout=model.dropout or 0.0, **more)
        self.head = nn.Linear(hidden, outputs.size)

    def forward(self, inputs: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        h_TBH, state = self.layers(self.embed(inputs), state)
        return self.head(h_TBH), state


def by_hand(experiment: Experiment, network: nn.Module) -> Record:
    """A loop over the network, with a look at the validation part after every epoch."""
    settings = experiment.config.experiment
    training, one_answer = settings.training, experiment.dataset.shape == "many_to_one"
    loss_of = F.cross_entropy if isinstance(experiment.dataset.outputs, Tokens) else F.mse_loss
    optimizer = build_optimizer(training.optimizer, network.parameters())
    train = list(_batches(experiment.dataset.train, training.batch_size, one_answer))
    val = list(_batches(experiment.dataset.val, training.batch_size, one_answer))
    moments: list[float] = []
    while len(moments) < (training.max_steps or 0):
        state, order = (
            None,
            torch.randperm(len(train)).tolist() if one_answer else range(len(train)),
        )
        network.train()
        for number in order:
            x, y = train[number]
            output, state = _run(network, x, None if one_answer else state, one_answer)
            loss = loss_of(output, y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            loss.item()
            state = _detached(state)
            moments.append(time.perf_counter())
            if len(moments) == training.max_steps:
                break
        else:
            _validate(network, val, loss_of, one_answer)
    return answer_of(moments, len(train))


def _run(network: nn.Module, x: Tensor, state: Any, one_answer: bool) -> tuple[Tensor, Any]:
    output, state = network(x, state)
    if not one_answer:
        return output.flatten(0, 1), state
    return (output[-1] if output.dim() == 3 else output), None


@torch.no_grad()
def _validate(network: nn.Module, val: list[Pair], loss_of: Any, one_answer: bool) -> None:
    network.eval()
    state = None
    for x, y in val:
        output, state = _run(network, x, None if one_answer else state, one_answer)
        loss_of(output, y).item()


def _detached(state: Any) -> Any:
    if isinstance(state, tuple):
        return tuple(_detached(part) for part in state)
    return None if state is None else state.detach()


def _batches(split: Sequences, batch: int, one_answer: bool) -> Iterator[Pair]:
    """Time-major batches; of a stream, consecutive windows stand in the same row."""
    x_NT, y_N = torch.from_numpy(split.inputs), torch.from_numpy(split.targets)
    if one_answer:
        for first in range(0, len(x_NT), batch):
            rows = slice(first, first + batch)
            yield x_NT[rows].transpose(0, 1).contiguous(), y_N[rows]
        return
    steps = len(x_NT) // batch
    for step in range(steps):
        row = torch.arange(batch) * steps + step
        yield x_NT[row].t().contiguous(), y_N[row].t().flatten()


def main(side: str, config: str, *overrides: str) -> None:
    say = claim_stdout()
    if side == "rnnexp":
        keep_freed_memory()
    threads = torch.get_num_threads()
    experiment = assemble(load_config(Path(config), overrides))
    if side == "torch":
        torch.set_num_threads(threads)
    dataset, model = experiment.dataset, experiment.config.experiment.model
    network = experiment.network
    if side != "rnnexp":
        network = ByHand(model, dataset.inputs, dataset.outputs)  # type: ignore[assignment]

    def answer(asked: Record) -> Record:
        if asked["do"] == "bare":
            return by_hand(experiment, network)
        with tempfile.TemporaryDirectory() as runs:
            return by_runner(experiment, Path(runs))

    parameters = sum(p.numel() for p in network.parameters())
    say({"ready": {"threads": torch.get_num_threads(), "parameters": parameters}})
    serve(say, answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
