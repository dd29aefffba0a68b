"""Scoring what a run left behind: a part of its own data, or a file that it never saw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rnnexp.config.config import Config
from rnnexp.data.batches import Batches
from rnnexp.data.dataset import Dataset, History
from rnnexp.data.prepare import prepare
from rnnexp.data.windows import recut
from rnnexp.errors import RnnexpError
from rnnexp.experiment import Experiment
from rnnexp.inference.exposure import exposure_gap, is_series
from rnnexp.inference.new_examples import dataset_of_file
from rnnexp.inference.trained import Trained, restore_for_use
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.recording.best import best_checkpoint
from rnnexp.recording.run_folder import RunFolder
from rnnexp.runner import refuse_changed_data, restore
from rnnexp.scoring import prefixed, score_split
from rnnexp.tasks.baselines import baselines
from rnnexp.tasks.build import build_task
from rnnexp.tasks.task import Task
from rnnexp.training.device import out_of_memory
from rnnexp.training.evaluation import evaluate, evaluation_batches

__all__ = ["evaluate_file", "evaluate_run"]

FILE = "file"


@out_of_memory()
def evaluate_run(
    run: Path, split: str, blocks: int | None = None, steps: int | None = None
) -> dict[str, Any]:
    """Score a split of a run's data with the run's best checkpoint, beside the baselines.

    blocks: cut a stream into blocks of so many steps, each read from a state of zero, where
    otherwise it is read as in training. steps: how far ahead the exposure gap of a forecast is
    measured.
    """
    experiment = restore(run)
    found = {
        "run": str(run),
        "split": split,
        "step": best_checkpoint(RunFolder.open(run)).step,
    }
    scored = _split_scores(experiment, split, blocks)
    gap = _gap(experiment.config, experiment.network, experiment.dataset, split, steps)
    return found | scored | gap


def _split_scores(experiment: Experiment, split: str, blocks: int | None) -> dict[str, Any]:
    if blocks is None:
        scored = score_split(experiment, split)
        return {
            "metrics": dict(scored.metrics),
            "baselines": dict(scored.baselines),
            **({"classes": scored.class_table()} if scored.classes else {}),
            **scored.details(),
        }
    config, network, task = experiment.config, experiment.network, experiment.task
    metrics = _score(config, network, task, experiment.dataset, split, blocks)
    return {
        "metrics": prefixed(split, metrics),
        "baselines": _baselines(experiment.dataset, split, split),
    }


@out_of_memory()
def evaluate_file(
    run: Path, path: Path, blocks: int | None = None, steps: int | None = None
) -> dict[str, Any]:
    """Score a file of the same format as the run's data, targets and all. As `evaluate_run`.

    The baselines are those of the run's training part; without the data that it was trained on
    there are none.
    """
    trained = restore_for_use(run)
    dataset = dataset_of_file(trained, path)
    training = _training_data(trained)
    beside = None if training is None else _beside(training, dataset)
    settings = trained.config.experiment
    # Class weights act in training alone, and the balanced ones would need the training part.
    weightless = {"class_weights": None} if hasattr(settings.task, "class_weights") else {}
    task = build_task(settings.task.model_copy(update=weightless), beside or dataset)
    scored = _score(trained.config, trained.network, task, dataset, "test", blocks)
    return {
        "run": str(run),
        "file": str(path),
        "step": trained.step,
        "metrics": prefixed(FILE, scored),
        "baselines": {} if beside is None else _baselines(beside, "test", FILE),
    } | _gap(trained.config, trained.network, dataset, "test", steps)


def _score(  # noqa: PLR0917
    config: Config,
    network: AnyNetwork,
    task: Task,
    dataset: Dataset,
    split: str,
    blocks: int | None,
) -> dict[str, float]:
    device, settings = next(network.parameters()).device, config.experiment.training
    if blocks is None:
        batches = evaluation_batches(dataset, split, settings.batch_size, settings.bptt)
    else:
        cut: dict[str, Any] = {split: recut(dataset.split(split), blocks)}
        batches = Batches(replace(dataset, **cut), split, settings.batch_size, seed=0)
    return dict(evaluate(network, task, batches, device).metrics)


def _gap(
    config: Config, network: AnyNetwork, dataset: Dataset, split: str, steps: int | None
) -> dict[str, Any]:
    """The exposure gap, of a network that forecasts a series."""
    gap = exposure_gap(config, network.eval(), dataset, split, steps) if is_series(config) else None
    return {} if gap is None else {"exposure_gap": gap}


def _baselines(dataset: Dataset, split: str, name: str) -> dict[str, dict[str, float]]:
    found = baselines(dataset, split)
    return {each: prefixed(name, values) for each, values in found.items()}


def _training_data(trained: Trained) -> Dataset | None:
    """The data of the run where they are still at hand, and still the same."""
    try:
        dataset = prepare(trained.config)
        refuse_changed_data(RunFolder.open(trained.run), dataset)
    except RnnexpError:
        return None
    return dataset


def _beside(training: Dataset, file: Dataset) -> Dataset:
    """The training data with the file in place of the test part, so that baselines know both."""
    test = file.test
    if training.history is None or file.history is None or test.origin is None:
        return replace(training, test=test)
    before = len(training.history.values)
    history = History(
        np.concatenate([training.history.values, file.history.values]),
        np.concatenate([training.history.begins, file.history.begins + before]),
    )
    moved = replace(test, origin=test.origin + before)
    return replace(training, test=moved, history=history)
