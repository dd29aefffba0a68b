"""Networks of every kind with a few sequences to compare them on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from rnnexp.config.model_settings import Model
from rnnexp.data.batches import Batches
from rnnexp.gradients.probe import Probe
from rnnexp.layers.assembly import build_network
from rnnexp.layers.network import Network
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.many_to_one import ManyToOneTask
from rnnexp.tasks.objective import Classification, Regression
from rnnexp.tasks.one_to_many import OneToManyTask
from rnnexp.tasks.task import Task

Parts = tuple[Network, Task, Probe]


@pytest.fixture
def make_parts(make_dataset: Any) -> Callable[..., Parts]:
    """make_parts("many_to_one", {"cell": "gru"}, classes=3, ragged=True): network, task, probe."""

    def make(
        shape: str,
        model: dict[str, Any],
        conditioning: str | None = None,
        loss: str = "mse",
        **dataset: Any,
    ) -> Parts:
        torch.manual_seed(0)
        data = make_dataset(shape, **dataset)
        network = build_network(Model.model_validate(model), data, conditioning)
        with torch.no_grad():  # zero biases would hide a bias that is forgotten
            for parameter in network.parameters():
                if parameter.dim() < 2 or parameter.shape[0] <= 2:
                    parameter.add_(0.1 * torch.randn_like(parameter))
        objective = Regression(loss, None) if "classes" not in dataset else Classification()
        task: Task
        if shape == "one_to_many":
            task = OneToManyTask(objective, 0)
        else:
            task = (ManyToOneTask if shape == "many_to_one" else ManyToManyTask)(objective)
        return network, task, Probe.of(Batches(data, "val", 4, seed=0), 4)

    return make


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny networks: threads that wait for each other cost ten times the work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
