"""The whole config: one YAML file is one experiment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rnnexp.config.data_settings import Data
from rnnexp.config.model_settings import Model
from rnnexp.config.section import Section
from rnnexp.config.task_settings import Task
from rnnexp.config.training_settings import Training

__all__ = ["NAME_PATTERN", "Experiment"]

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


class Experiment(Section):
    """One experiment with a recurrent neural network."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    """name of the experiment; part of the run folder's name"""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    """seed of the weights, the order of batches and dropout"""
    data: Data
    """where the sequences come from"""
    task: Task
    """which of the three shapes, and what is predicted"""
    model: Model = Model()
    """the recurrent layers"""
    training: Training = Training()
    """how it is trained"""
