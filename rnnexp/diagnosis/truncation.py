"""What truncation does to the gradient: its direction and length beside full backpropagation.

The bias is that of Tallec and Ollivier 2017, "Unbiasing truncated backpropagation through time".
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn

from rnnexp.config.schema.training import Truncated
from rnnexp.layers.network import Network
from rnnexp.tasks.task import Task
from rnnexp.training.bptt import TruncatedUnroller
from rnnexp.verification.probe import Probe, output_of
from rnnexp.verification.transcribe import parameters

__all__ = ["Bias", "truncation_bias"]


@dataclass(frozen=True)
class Bias:
    """The truncated gradient of a place beside the full one: cosine of the angle, norm ratio."""

    place: str
    cosine: float
    norm_ratio: float


def truncation_bias(network: Network, task: Task, probe: Probe, bptt: Truncated) -> list[Bias]:
    """The whole network first, then place by place (`layer 1`, `output`), in float64.

    No update is made between the windows, so that only the truncation differs.
    """
    taken = copy.deepcopy(network).to("cpu", torch.float64).train()
    for module in taken.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    exact = probe.to(torch.float64)
    full = _full(taken, task, exact)
    cut = _truncated(taken, task, exact, bptt)
    biases = [_bias("whole network", list(cut.values()), list(full.values()))]
    for place, labels in groupby(full, lambda label: label.rpartition(" ")[0]):
        names = list(labels)
        biases.append(_bias(place or names[0], [cut[n] for n in names], [full[n] for n in names]))
    return biases


def _full(network: Network, task: Task, probe: Probe) -> dict[str, Tensor]:
    loss = task.loss(output_of(network, probe.batch), probe.batch) / probe.batch.count
    loss.backward()  # type: ignore[no-untyped-call]
    return _gradients(network)


def _truncated(network: Network, task: Task, probe: Probe, bptt: Truncated) -> dict[str, Tensor]:
    for output, window in TruncatedUnroller(bptt).windows(network, probe.batch):
        loss = task.loss(output, window) / probe.batch.count
        loss.backward()  # type: ignore[no-untyped-call]
    return _gradients(network)


def _gradients(network: Network) -> dict[str, Tensor]:
    tensors = dict(network.named_parameters())
    found = {}
    for parameter in parameters(network):
        tensor = tensors[parameter.name]
        found[parameter.label] = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
    network.zero_grad(set_to_none=True)
    return found


def _bias(place: str, cut: list[Tensor], full: list[Tensor]) -> Bias:
    a, b = (torch.cat([each.flatten() for each in side]) for side in (cut, full))
    lengths = float(a.norm()), float(b.norm())
    cosine = float(a @ b) / (lengths[0] * lengths[1]) if all(lengths) else 0.0
    return Bias(place, cosine, lengths[0] / lengths[1] if lengths[1] else 0.0)
