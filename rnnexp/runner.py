"""Running an experiment in a run folder, and scoring what a run left behind.

assemble -> run folder -> training -> test, once -> summary, predictions, plots
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnnexp.config.config import Config
from rnnexp.config.load import load_config, resolved_yaml
from rnnexp.data.dataset import Dataset
from rnnexp.errors import (
    CheckpointError,
    CommandError,
    DivergedError,
    InterruptedRunError,
)
from rnnexp.experiment import Experiment, assemble, describe
from rnnexp.recording import checkpoints
from rnnexp.recording.environment import environment
from rnnexp.recording.recorder import RunRecorder
from rnnexp.recording.run_folder import RunFolder, State
from rnnexp.tasks.baselines import baselines
from rnnexp.tasks.objective import Regression
from rnnexp.training.device import keep_freed_memory, out_of_memory
from rnnexp.training.interrupt import Interrupt
from rnnexp.training.journal import Journal
from rnnexp.training.observer import Observer
from rnnexp.training.snapshot import model_weights
from rnnexp.training.trainer import Outcome, Trainer
from rnnexp.verification.verdict import checked

__all__ = ["best_step", "evaluate_run", "restore", "train"]


@out_of_memory()
def train(config: Config, runs: Path, observer: Observer, verified: bool = False) -> dict[str, Any]:
    """Run the experiment in a new folder under `runs`; the summary, as in summary.json.

    verified: first hold the network against the equations, as `rnnexp compare-manual` does.

    Raises:
        CheckFailedError: it is not what the equations say; nothing was trained.
        DivergedError: a loss or gradient was not finite; the run folder stays.
        InterruptedRunError: a signal asked to stop; the run folder stays, with a checkpoint.
        RnnexpError: anything else; before the first step no folder is left behind.
    """
    keep_freed_memory()
    experiment = assemble(config)
    comparison = checked(experiment) if verified else None
    trainer = experiment.trainer()
    name = config.experiment.name
    with (
        Interrupt() as interrupt,
        RunFolder.create(runs, name) as run,
        _ending(recorder := RunRecorder(run), trainer),
    ):
        _write_inputs(run, experiment)
        if comparison is not None:
            run.write_json("compare_manual.json", comparison)
        observer.started(run.path, trainer.total_steps, describe(experiment))
        journal = Journal(recorder, observer, config.experiment.training.log_every)
        outcome = trainer.fit(journal, interrupt)
        summary = _conclude(run, experiment, outcome)
    observer.finished(summary)
    return summary


@out_of_memory()
def evaluate_run(run: Path, split: str) -> dict[str, Any]:
    """Score a split of a run's data with the run's best checkpoint."""
    experiment = restore(run)
    return {
        "run": str(run),
        "split": split,
        "step": best_step(RunFolder.open(run)),
        "metrics": _prefixed(split, experiment.evaluate(split).metrics),
        "baselines": _baselines(experiment, split),
    }


def restore(run: Path, overrides: Sequence[str] = ()) -> Experiment:
    """The experiment of a run as its best checkpoint left it.

    Raises:
        CommandError: an override changes the network, the task or the data.
        CheckpointError: there is no checkpoint yet, it is damaged, or the data have changed.
        RnnexpError: the experiment cannot be put together on this machine.
    """
    folder = RunFolder.open(run)
    checkpoint = checkpoints.load(folder.checkpoints / str(best_step(folder)))
    config = load_config(run / "resolved.yaml", overrides)
    if overrides:
        _refuse_another_network(load_config(run / "resolved.yaml"), config)
    experiment = assemble(config)
    _refuse_changed_data(folder, experiment.dataset)
    experiment.network.load_state_dict(model_weights(checkpoint))
    return experiment


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
    forecasts = isinstance(experiment.task.objective, Regression)
    _write_plots(run, test.predictions if forecasts else [])
    run.write_json("summary.json", summary)
    run.log(f"stopped by {outcome.stopped_by} after step {outcome.steps}")
    return summary


def _write_plots(run: RunFolder, predictions: list[dict[str, Any]]) -> None:
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


def _refuse_another_network(trained: Config, changed: Config) -> None:
    """The weights of a run belong to its own network, task and data.

    Raises:
        CommandError: an override changes one of them.
    """
    for section in ("data", "task", "model"):
        if getattr(trained.experiment, section) != getattr(changed.experiment, section):
            raise CommandError(
                f"a run's {section} is what was trained; only training can be changed",
                code="CMD107",
                key=section,
                hint="give the config instead of the run, or train again: rnnexp train "
                + str(trained.path),
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
