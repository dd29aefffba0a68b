"""What clipping did in a run, from its log."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from rnnexp.config.training_settings import Truncated
from rnnexp.gradients.probe import Probe, output_of
from rnnexp.gradients.transcribe import parameters
from rnnexp.layers.network import Network
from rnnexp.tasks.task import Task
from rnnexp.training.bptt import TruncatedUnroller

__all__ = ["Clipping", "clipping_of", "truncation_bias"]


# What truncation does to the gradient: its direction and length beside full backpropagation.
#
# The bias is that of Tallec and Ollivier 2017, "Unbiasing truncated backpropagation through time".


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


# What clipping did in a run, from its log.


@dataclass(frozen=True)
class Clipping:
    """Gradient norms before clipping over all updates of a run.

    share: of updates that were changed, None without clipping. threshold: the norm, or with
    `by_value` the component, that the last update was held to.
    """

    updates: int
    mean_norm: float
    largest_norm: float
    share: float | None
    threshold: float | None
    by_value: bool

    @property
    def excess(self) -> float | None:
        """How many times the threshold the largest gradient was, where it is a norm."""
        if self.threshold is None or self.by_value:
            return None
        return self.largest_norm / self.threshold


def clipping_of(records: Iterable[Mapping[str, Any]]) -> Clipping | None:
    """The account of a run's metrics.jsonl; None where it has no line of an update."""
    updates, norms, changed, last = 0, 0.0, 0.0, 0
    largest, threshold, by_value, clips = 0.0, None, False, False
    for record in records:
        if "grad_norm" not in record:
            continue
        count, last = record["step"] - last, record["step"]
        updates += count
        norms += count * record["grad_norm"]
        largest = max(largest, record["grad_norm_max"])
        clips = clips or "clipped" in record
        changed += count * record.get("clipped", 0.0)
        by_value = "clip_value" in record
        threshold = record.get("clip_value", record.get("clip_threshold", threshold))
    if not updates:
        return None
    share = changed / updates if clips else None
    return Clipping(updates, norms / updates, largest, share, threshold, by_value)
