"""From the config's `task:` and the data to a task."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from rnnexp.config.schema.task import ManyToOne
from rnnexp.config.schema.task import Task as TaskConfig
from rnnexp.data.dataset import Dataset, Values
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.many_to_one import ManyToOneTask
from rnnexp.tasks.objective import Classification, Objective, Regression
from rnnexp.tasks.one_to_many import OneToManyTask
from rnnexp.tasks.task import Task

__all__ = ["build_task"]

LANGUAGE_SOURCES = ("text", "python_docs")


def build_task(config: TaskConfig, dataset: Dataset, label_smoothing: float = 0.0) -> Task:
    """The task of an experiment."""
    objective = _objective(config, dataset, label_smoothing)
    if config.kind == "many_to_one":
        return ManyToOneTask(objective)
    if config.kind == "many_to_many":
        return ManyToManyTask(objective)
    return OneToManyTask(objective, getattr(dataset.outputs, "end", None))


def _objective(config: TaskConfig, dataset: Dataset, label_smoothing: float) -> Objective:
    if isinstance(dataset.outputs, Values):
        return Regression(config.loss or "mse", dataset.outputs.scaler)
    weights = _class_weights(config, dataset) if isinstance(config, ManyToOne) else None
    language = dataset.source in LANGUAGE_SOURCES
    return Classification(weights, language=language, label_smoothing=label_smoothing)


def _class_weights(config: ManyToOne, dataset: Dataset) -> Tensor | None:
    """(O,) the given weights, or N / (O * n_class) so that the mean over the examples is 1."""
    if config.class_weights is None:
        return None
    if config.class_weights != "balanced":
        return torch.tensor(config.class_weights)
    labels, classes = dataset.train.targets, dataset.outputs.size
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    return torch.from_numpy(len(labels) / (classes * counts)).float()
