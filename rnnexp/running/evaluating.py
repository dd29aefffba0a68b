"""Judging what a run left behind: on a part of its own data, or on a file that it never saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rnnexp.config.config import Config
from rnnexp.data.dataset import Dataset, History
from rnnexp.data.prepare import prepare
from rnnexp.data.splits import recut
from rnnexp.errors import RnnexpError
from rnnexp.inference.exposure import exposure_gap, is_series
from rnnexp.inference.new_examples import dataset_of_file
from rnnexp.inference.trained import Trained, restore_for_use
from rnnexp.recording.checkpoint_state import best_checkpoint
from rnnexp.recording.run_folder import RunFolder
from rnnexp.running.runner import refuse_changed_data, restore
from rnnexp.running.scoring import SplitScore, score_split
from rnnexp.tasks.build import build_task
from rnnexp.training.device import out_of_memory
from rnnexp.training.experiment import Experiment

__all__ = ["evaluate_file", "evaluate_run"]


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
    scored = score_split(_in_blocks(experiment, split, blocks), split)
    step = best_checkpoint(RunFolder.open(run)).step
    return (
        {"run": str(run), "split": split, "step": step}
        | _scores(scored)
        | scored.details()
        | _gap(experiment, split, steps)
    )


@out_of_memory()
def evaluate_file(
    run: Path,
    path: Path,
    targets: Path | None = None,
    blocks: int | None = None,
    steps: int | None = None,
) -> dict[str, Any]:
    """Score a file of the same format as the run's data, targets and all. As `evaluate_run`.

    targets: the file of the targets, where they stand in one of their own (pairs).
    What is fitted on the run's own data (baselines, prediction intervals) is left out where these
    are not at hand any more, or not the same.
    """
    trained = restore_for_use(run)
    file, training = dataset_of_file(trained, path, targets), _training_data(trained)
    alone = _experiment(trained, file)
    beside = alone if training is None else _experiment(trained, _beside(training, file))
    scored = score_split(_in_blocks(beside, "test", blocks), "test")
    found = _scores(scored) | (scored.details() if training is not None else {"baselines": {}})
    named = {key: _renamed(value) for key, value in found.items()}
    place = {"run": str(run), "file": str(path), "step": trained.step}
    return place | named | _gap(alone, "test", steps)


def _scores(scored: SplitScore) -> dict[str, Any]:
    classes = {"classes": scored.class_table()} if scored.classes else {}
    return {"metrics": dict(scored.metrics), "baselines": dict(scored.baselines)} | classes


def _renamed(value: Any) -> Any:
    """`test/rmse` -> `file/rmse`, in a mapping and those within it."""
    if not isinstance(value, Mapping):
        return value
    return {
        f"file/{name.removeprefix('test/')}" if str(name).startswith("test/") else name: (
            _renamed(part)
        )
        for name, part in value.items()
    }


def _experiment(trained: Trained, dataset: Dataset) -> Experiment:
    """The trained network on other data."""
    task = trained.config.experiment.task
    # Class weights act in training alone, and the balanced ones would need the training part.
    weightless = {"class_weights": None} if hasattr(task, "class_weights") else {}
    return Experiment(
        trained.config,
        dataset,
        (),
        trained.network,
        build_task(task.model_copy(update=weightless), dataset),
        trained.device,
        torch.get_num_threads(),
    )


def _in_blocks(experiment: Experiment, split: str, blocks: int | None) -> Experiment:
    """The experiment with a split that is read in blocks, no state carried from one to the next."""
    if blocks is None:
        return experiment
    cut: dict[str, Any] = {split: recut(experiment.dataset.split(split), blocks)}
    settings = experiment.config.experiment
    whole = settings.training.model_copy(update={"bptt": "full"})
    config: Config = replace(
        experiment.config, experiment=settings.model_copy(update={"training": whole})
    )
    return replace(experiment, config=config, dataset=replace(experiment.dataset, **cut))


def _gap(experiment: Experiment, split: str, steps: int | None) -> dict[str, Any]:
    """The exposure gap, of a network that forecasts a series."""
    if not is_series(experiment.config):
        return {}
    network = experiment.network.eval()
    gap = exposure_gap(experiment.config, network, experiment.dataset, split, steps)
    return {} if gap is None else {"exposure_gap": gap}


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
        np.concatenate([training.history.features, file.history.features]),
        np.concatenate([training.history.begins, file.history.begins + before]),
        training.history.predicted,
    )
    moved = replace(test, origin=test.origin + before)
    return replace(training, test=moved, history=history)
