"""From the config's `task:` and the data to a task."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from rnnexp.config.task_settings import ManyToMany, ManyToOne
from rnnexp.config.task_settings import Task as TaskConfig
from rnnexp.data.dataset import Dataset, Tokens, Values
from rnnexp.tasks.confusion import judges_classes
from rnnexp.tasks.delayed import EncoderDecoderTask, Search
from rnnexp.tasks.language import is_language
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.many_to_one import ManyToOneTask
from rnnexp.tasks.objective import Classification, Objective, Regression
from rnnexp.tasks.one_to_many import OneToManyTask
from rnnexp.tasks.scores import check_text_scores, scale_weights
from rnnexp.tasks.task import Task

__all__ = ["build_task", "search_of"]


def build_task(config: TaskConfig, dataset: Dataset, label_smoothing: float = 0.0) -> Task:
    """The task of an experiment."""
    objective = _objective(config, dataset, label_smoothing)
    if config.kind == "many_to_one":
        return ManyToOneTask(objective)
    if isinstance(config, ManyToMany):
        if dataset.shape == "delayed":
            return _delayed(config, objective, dataset)
        return ManyToManyTask(objective)
    return OneToManyTask(objective, getattr(dataset.outputs, "end", None))


def _delayed(config: ManyToMany, objective: Objective, dataset: Dataset) -> EncoderDecoderTask:
    compares_texts, outputs = dataset.train.texts is not None, dataset.outputs
    assert isinstance(outputs, Tokens)
    if compares_texts:
        check_text_scores()
    search = search_of(config, dataset.time_steps)
    return EncoderDecoderTask(objective, outputs, search, compares_texts)


def search_of(config: ManyToMany, longest: int) -> Search:
    """How delayed targets are written: to half as many tokens again as the longest of training."""
    penalty = 1.0 if config.length_penalty is None else config.length_penalty
    return Search(config.beam, penalty, most=longest * 3 // 2)


def _objective(config: TaskConfig, dataset: Dataset, label_smoothing: float) -> Objective:
    if isinstance(dataset.outputs, Values):
        scaler, weights = dataset.outputs.scaler, scale_weights(dataset)
        return Regression(config.loss or "mse", scaler, weights)
    return Classification(
        _class_weights(config, dataset) if isinstance(config, ManyToOne) else None,
        language=is_language(dataset),
        counted_classes=dataset.outputs.size if judges_classes(dataset) else None,
        label_smoothing=label_smoothing,
    )


def _class_weights(config: ManyToOne, dataset: Dataset) -> Tensor | None:
    """(O,) the given weights, or N / (O * n_class) so that the mean over the examples is 1."""
    if config.class_weights is None:
        return None
    if config.class_weights != "balanced":
        return torch.tensor(config.class_weights)
    labels, classes = dataset.train.targets, dataset.outputs.size
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    return torch.from_numpy(len(labels) / (classes * counts)).float()
