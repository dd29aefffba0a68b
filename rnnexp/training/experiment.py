"""One experiment in memory, the composition root: config -> data -> network, task, trainer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from rnnexp.config.config import Config
from rnnexp.config.model_settings import Model
from rnnexp.config.schema import Experiment as Settings
from rnnexp.config.training_settings import Truncated
from rnnexp.data.batches import Batches
from rnnexp.data.dataset import Dataset
from rnnexp.data.prepare import prepare
from rnnexp.kernels import Path as KernelPath
from rnnexp.kernels import on_device
from rnnexp.layers.assembly import build, set_vectors
from rnnexp.layers.direction import Direction
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.layers.shapes import LayerPlan, plan_encoder_decoder, plan_layers
from rnnexp.tasks.build import build_task
from rnnexp.tasks.task import Task
from rnnexp.training.device import (
    check_training_memory,
    choose_device,
    choose_threads,
    out_of_memory,
)
from rnnexp.training.evaluation import Evaluation, evaluate, evaluation_batches
from rnnexp.training.optimizers import check_warm_up
from rnnexp.training.segments import in_segments
from rnnexp.training.trainer import Trainer

__all__ = ["Experiment", "assemble", "describe", "initial_network"]


@dataclass(frozen=True)
class Experiment:
    """A config brought to life: everything that training needs, nothing of it on disk yet."""

    config: Config
    dataset: Dataset
    layers: tuple[LayerPlan, ...]
    network: AnyNetwork
    task: Task
    device: torch.device
    threads: int

    @property
    def kernel_paths(self) -> list[KernelPath]:
        """The paths that run the layers, each once."""
        parts = (part for part in self.network.modules() if isinstance(part, Direction))
        precision = self.config.experiment.training.precision
        found = (on_device(part.available_paths, self.device.type, precision) for part in parts)
        return list(dict.fromkeys(found))

    def trainer(self) -> Trainer:
        """A trainer at its first step."""
        training, seed = self.config.experiment.training, self.config.experiment.seed
        carry = isinstance(training.bptt, Truncated) and training.bptt.carry_state
        train = Batches(self.dataset, "train", training.batch_size, seed, carry)
        val = self.batches("val")
        trainer = Trainer(training, self.network, self.task, train, val, self.device)
        check_warm_up(self.config, trainer.total_steps)
        return trainer

    def batches(self, split: str) -> Batches:
        """The batches that score a split."""
        training = self.config.experiment.training
        return evaluation_batches(self.dataset, split, training.batch_size, training.bptt)

    def evaluate(self, split: str, keep_answers: bool = False) -> Evaluation:
        """Score a split with the network as it is, as thoroughly as a finished one."""
        batches = self.batches(split)
        network = in_segments(self.network, self.config.experiment.training.bptt)
        return evaluate(network, self.task.final(), batches, self.device, keep_answers)


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
    layers = _plan(settings.model, dataset, conditioning)
    check_training_memory(config, dataset, layers)

    training = settings.training
    threads = choose_threads(
        training.threads, max(settings.model.hidden_sizes), training.batch_size
    )
    torch.set_num_threads(threads)
    network = initial_network(settings, dataset).to(device)
    task = build_task(settings.task, dataset, training.label_smoothing)
    return Experiment(config, dataset, layers, network, task, device, threads)


def initial_network(settings: Settings, dataset: Dataset) -> AnyNetwork:
    """The network as training finds it: drawn from the experiment's seed, vectors read in."""
    torch.manual_seed(settings.seed)
    network = build(settings, dataset)
    if dataset.vectors is not None:
        set_vectors(network, dataset.vectors)
    return network


def _plan(model: Model, dataset: Dataset, conditioning: str | None) -> tuple[LayerPlan, ...]:
    if dataset.shape == "delayed":
        return plan_encoder_decoder(model, dataset)
    return plan_layers(model, dataset, conditioning)


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
