"""One experiment, from config to summary: the composition root.

config -> data -> network, task, trainer -> run folder -> training -> test, once -> summary
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rnnexp.config.config import Config
from rnnexp.config.load import load_config, resolved_yaml
from rnnexp.config.schema.training import Truncated
from rnnexp.data.batches import Batches
from rnnexp.data.dataset import Dataset
from rnnexp.data.memory import check_memory
from rnnexp.data.prepare import prepare
from rnnexp.errors import CheckpointError, DataError, DivergedError, InterruptedRunError
from rnnexp.kernels import Path as KernelPath
from rnnexp.layers.build import build_network
from rnnexp.layers.direction import Direction
from rnnexp.layers.network import Network
from rnnexp.layers.shape_plan import LayerPlan, plan_layers
from rnnexp.recording import checkpoints
from rnnexp.recording.environment import environment
from rnnexp.recording.recorder import RunRecorder
from rnnexp.recording.run_folder import RunFolder, State
from rnnexp.tasks.baselines import baselines
from rnnexp.tasks.build import build_task
from rnnexp.tasks.task import Task
from rnnexp.training.device import (
    choose_device,
    choose_threads,
    keep_freed_memory,
    out_of_memory,
)
from rnnexp.training.evaluation import Evaluation, evaluate, evaluation_batches
from rnnexp.training.interrupt import Interrupt
from rnnexp.training.journal import Journal
from rnnexp.training.memory import depth_of, training_bytes
from rnnexp.training.observer import Observer
from rnnexp.training.snapshot import model_weights
from rnnexp.training.trainer import Outcome, Trainer

__all__ = ["Experiment", "assemble", "evaluate_run", "train"]


@dataclass(frozen=True)
class Experiment:
    """A config brought to life: everything that training needs, nothing of it on disk yet."""

    config: Config
    dataset: Dataset
    layers: tuple[LayerPlan, ...]
    network: Network
    task: Task
    device: torch.device
    threads: int

    @property
    def kernel_paths(self) -> list[KernelPath]:
        """The paths that run the layers, each once."""
        found = (part.path for part in self.network.modules() if isinstance(part, Direction))
        return list(dict.fromkeys(found))

    def trainer(self) -> Trainer:
        """A trainer at its first step."""
        training, seed = self.config.experiment.training, self.config.experiment.seed
        carry = isinstance(training.bptt, Truncated) and training.bptt.carry_state
        train = Batches(self.dataset, "train", training.batch_size, seed, carry)
        return Trainer(training, self.network, self.task, train, self.batches("val"), self.device)

    def batches(self, split: str) -> Batches:
        """The batches that score a split."""
        training = self.config.experiment.training
        return evaluation_batches(self.dataset, split, training.batch_size, training.bptt)

    def evaluate(self, split: str, keep_predictions: bool = False) -> Evaluation:
        """Score a split with the network as it is."""
        batches = self.batches(split)
        return evaluate(self.network, self.task, batches, self.device, keep_predictions)


@out_of_memory()
def assemble(config: Config) -> Experiment:
    """Load the data and build the network, reproducibly from the experiment's seed.

    Raises:
        EnvironmentMissingError: no such device, or an extra is missing.
        DataError: the data are not usable, or do not fit the config.
        MemoryExceededError: the training would not fit into this machine.
    """
    settings = config.experiment
    device = choose_device(settings.training.device, config.where("training.device"))
    dataset = prepare(config)
    conditioning = getattr(settings.task, "conditioning", None)
    layers = plan_layers(settings.model, dataset, conditioning)
    _refuse_too_large(config, dataset, layers)
    _refuse_short_streams(config, dataset)

    training = settings.training
    threads = choose_threads(
        training.threads, max(settings.model.hidden_sizes), training.batch_size
    )
    torch.set_num_threads(threads)
    torch.manual_seed(settings.seed)
    network = build_network(settings.model, dataset, conditioning).to(device)
    task = build_task(settings.task, dataset)
    return Experiment(config, dataset, layers, network, task, device, threads)


@out_of_memory()
def train(config: Config, runs: Path, observer: Observer) -> dict[str, Any]:
    """Run the experiment in a new folder under `runs`; the summary, as in summary.json.

    Raises:
        DivergedError: a loss or gradient was not finite; the run folder stays.
        InterruptedRunError: a signal asked to stop; the run folder stays, with a checkpoint.
        RnnexpError: anything else; before the first step no folder is left behind.
    """
    keep_freed_memory()
    experiment = assemble(config)
    trainer = experiment.trainer()
    _refuse_endless_warm_up(config, trainer)
    name = config.experiment.name
    with (
        Interrupt() as interrupt,
        RunFolder.create(runs, name) as run,
        _ending(recorder := RunRecorder(run), trainer),
    ):
        _write_inputs(run, experiment)
        observer.started(run.path, trainer.total_steps, describe(experiment))
        journal = Journal(recorder, observer, config.experiment.training.log_every)
        outcome = trainer.fit(journal, interrupt)
        summary = _conclude(run, experiment, outcome)
    observer.finished(summary)
    return summary


@out_of_memory()
def evaluate_run(run: Path, split: str) -> dict[str, Any]:
    """Score a split of a run's data with the run's best checkpoint."""
    folder = RunFolder.open(run)
    step = best_step(folder)
    checkpoint = checkpoints.load(folder.checkpoints / str(step))
    experiment = assemble(load_config(run / "resolved.yaml"))
    _refuse_changed_data(folder, experiment.dataset)
    experiment.network.load_state_dict(model_weights(checkpoint))
    return {
        "run": str(run),
        "split": split,
        "step": step,
        "metrics": _prefixed(split, experiment.evaluate(split).metrics),
        "baselines": _baselines(experiment, split),
    }


def best_step(run: RunFolder) -> int:
    """The step of the best checkpoint, as the newest one knows it.

    Raises:
        CheckpointError: the run has no checkpoint yet.
    """
    steps = checkpoints.steps(run.checkpoints)
    if not steps:
        raise CheckpointError(
            f"{run.path} has no checkpoint yet (state: {run.status().get('state', 'unknown')})",
            code="CKP101",
            hint="start again with: rnnexp train " + str(run.path / "config.yaml"),
        )
    return int(checkpoints.load(run.checkpoints / str(steps[-1])).state["best_step"])


def describe(experiment: Experiment) -> dict[str, Any]:
    """What is about to be trained: shapes, parameters, device, kernel path, data."""
    dataset = experiment.dataset
    return {
        "parameters": sum(layer.parameters for layer in experiment.layers),
        "device": str(experiment.device),
        "threads": experiment.threads,
        "path": "; ".join(f"{path.name} ({path.reason})" for path in experiment.kernel_paths),
        "shape": [
            {
                "layer": layer.name,
                "in": layer.reads,
                "out": layer.returns,
                "return_sequences": layer.return_sequences,
                "why": layer.why,
            }
            for layer in experiment.layers
        ],
        "data": {"source": dataset.source}
        | {name: len(dataset.split(name)) for name in ("train", "val", "test")},
    }


@contextmanager
def _ending(recorder: RunRecorder, trainer: Trainer) -> Iterator[None]:
    """Leave the right state in the run folder, or no folder if nothing trained."""
    run = recorder.run
    try:
        yield
    except BaseException as error:
        if trainer.step == 0:
            run.discard()
            raise
        recorder.flush()
        state: State = "failed"
        if isinstance(error, DivergedError):
            state = "diverged"
        elif isinstance(error, InterruptedRunError):
            state = "interrupted"
        run.set_status(state, step=trainer.step, error=str(error))
        raise
    run.set_status("finished", step=trainer.step)


def _write_inputs(run: RunFolder, experiment: Experiment) -> None:
    config = experiment.config
    run.write_text("config.yaml", config.text)
    run.write_text("resolved.yaml", resolved_yaml(config))
    run.write_text("overrides.txt", "".join(f"{given}\n" for given in config.overrides))
    placed = {"device": str(experiment.device), "threads": experiment.threads}
    run.write_json("env.json", environment() | placed)
    run.write_json("data.json", experiment.dataset.record)
    run.log(f"{config.experiment.name}: training starts on {experiment.device}")


def _conclude(run: RunFolder, experiment: Experiment, outcome: Outcome) -> dict[str, Any]:
    """Score the test split once with the best weights; write summary, predictions and plots."""
    test = experiment.evaluate("test", keep_predictions=True)
    settings = experiment.config.experiment
    summary = {
        "name": settings.name,
        "run": str(run.path),
        "status": "finished",
        "stopped_by": outcome.stopped_by,
        "steps": outcome.steps,
        "epochs": outcome.epochs,
        "seconds": round(outcome.seconds, 3),
        "parameters": sum(layer.parameters for layer in experiment.layers),
        "best_step": outcome.best_step,
        "monitor": settings.training.monitor,
        "metrics": {**outcome.best_metrics, **_prefixed("test", test.metrics)},
        "baselines": _baselines(experiment, "test"),
    }
    if test.predictions:
        lines = "".join(json.dumps(record) + "\n" for record in test.predictions)
        run.write_text("predictions.jsonl", lines)
    _write_plots(run, settings.training.monitor, test.predictions)
    run.write_json("summary.json", summary)
    run.log(f"stopped by {outcome.stopped_by} after step {outcome.steps}")
    return summary


def _write_plots(run: RunFolder, monitor: str, predictions: list[dict[str, Any]]) -> None:
    from rnnexp.reports import plots

    with (run.path / "metrics.jsonl").open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    run.write_bytes("plots/loss.png", plots.loss_plot(records))
    run.write_bytes("plots/gradient.png", plots.gradient_plot(records))
    metrics = {name for record in records for name in record if name.startswith("val/")}
    for name in sorted(metrics - {"val/loss"}):
        file_name = name.removeprefix("val/")
        run.write_bytes(f"plots/{file_name}.png", plots.metric_plot(records, name))
    if predictions:
        run.write_bytes("plots/forecast.png", plots.forecast_plot(predictions))


def _baselines(experiment: Experiment, split: str) -> dict[str, dict[str, float]]:
    named = baselines(experiment.dataset, split)
    return {name: _prefixed(split, values) for name, values in named.items()}


def _prefixed(split: str, metrics: Mapping[str, float]) -> dict[str, float]:
    return {f"{split}/{name}": value for name, value in metrics.items()}


def _refuse_too_large(config: Config, dataset: Dataset, layers: tuple[LayerPlan, ...]) -> None:
    training = config.experiment.training
    depth = depth_of(training.bptt, dataset.time_steps)
    batch_size = min(training.batch_size, len(dataset.train))
    check_memory(
        training_bytes(layers, training.optimizer, batch_size, depth),
        "training",
        config.where("model.hidden_sizes"),
        "model.hidden_sizes",
        "smaller model.hidden_sizes or training.batch_size, or truncated training.bptt",
    )


def _refuse_short_streams(config: Config, dataset: Dataset) -> None:
    """A carried state has nothing to carry where every stream is a single window."""
    training, windows = config.experiment.training, len(dataset.train)
    carries = isinstance(training.bptt, Truncated) and training.bptt.carry_state
    if carries and windows < 2 * training.batch_size:
        raise DataError(
            f"{training.batch_size} parallel streams need at least two windows each to carry a"
            f" state over; the training part has {windows} windows",
            code="DAT140",
            position=config.where("training.bptt.carry_state"),
            key="training.bptt.carry_state",
            hint=f"training.batch_size={max(windows // 2, 1)} or a shorter data.window",
        )


def _refuse_changed_data(run: RunFolder, dataset: Dataset) -> None:
    """A score of other data than the run's own would carry the run's name.

    Raises:
        CheckpointError: a file is not what it was when the run was trained.
    """
    trained = json.loads((run.path / "data.json").read_text(encoding="utf-8"))
    now = {file["path"]: file["sha256"] for file in dataset.record.get("files", ())}
    for file in trained.get("files", ()):
        if now.get(file["path"]) != file["sha256"]:
            raise CheckpointError(
                f"{file['path']} has changed since the run was trained",
                code="CKP102",
                value=now.get(file["path"]),
                allowed=f"SHA-256 {file['sha256']}",
                hint="put the old file back, or train again: rnnexp train "
                + str(run.path / "resolved.yaml"),
            )


def _refuse_endless_warm_up(config: Config, trainer: Trainer) -> None:
    """A warm-up that outlasts the training never reaches the learning rate that was asked for."""
    warm_up = config.experiment.training.schedule.warmup_steps
    if 0 < trainer.total_steps <= warm_up:
        raise DataError(
            f"a warm-up of {warm_up:,} updates, but training makes {trainer.total_steps:,}",
            code="DAT149",
            position=config.where("training.schedule.warmup_steps"),
            key="training.schedule.warmup_steps",
            value=warm_up,
            allowed=f"0..{trainer.total_steps - 1}",
        )
