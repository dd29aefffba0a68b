"""Everything that a training needs to go on, as one checkpoint of tensors and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from rnnexp.config.config import Config
from rnnexp.errors import CheckpointError
from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.training.bptt import Carried

__all__ = [
    "carried_state",
    "load_weights",
    "model_weights",
    "random_state",
    "restore",
    "set_random_state",
    "snapshot",
]


def snapshot(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    carried: Carried | None,
    step: int,
    state: dict[str, Any],
) -> Checkpoint:
    """Copies of all tensors: `model/`, `optimizer/`, `random/` and `carried/`.

    `state` is what JSON can hold: cursor, schedule, stopping, clipping, monitored value.
    """
    tensors = {f"model/{name}": value for name, value in network.state_dict().items()}
    for index, slots in optimizer.state_dict()["state"].items():
        for name, value in slots.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{index}/{name}"] = value
    tensors |= random_state()
    tensors |= _carried_tensors(carried)
    copies = {name: value.detach().cpu().clone() for name, value in tensors.items()}
    return Checkpoint(step, copies, {"step": step, **state})


def restore(network: nn.Module, optimizer: torch.optim.Optimizer, checkpoint: Checkpoint) -> None:
    """Put weights, optimizer and random state back as `snapshot` found them."""
    network.load_state_dict(model_weights(checkpoint))
    slots: dict[int, dict[str, Tensor]] = {}
    for name, value in checkpoint.tensors.items():
        kind, _, rest = name.partition("/")
        if kind == "optimizer":
            index, _, slot = rest.partition("/")
            slots.setdefault(int(index), {})[slot] = value.clone()
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": slots, "param_groups": groups})
    set_random_state(checkpoint.tensors)


def random_state() -> dict[str, Tensor]:
    """Where torch's generators stand."""
    state = {"random/cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["random/cuda"] = torch.cuda.get_rng_state()
    return state


def set_random_state(tensors: Mapping[str, Tensor]) -> None:
    """Put torch's generators where `random_state` found them."""
    torch.set_rng_state(tensors["random/cpu"])
    if torch.cuda.is_available() and "random/cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random/cuda"])


def carried_state(checkpoint: Checkpoint, device: torch.device) -> Carried | None:
    """Where the next truncated window begins; None where no state was carried."""
    tensors = {name: value.to(device, copy=True) for name, value in checkpoint.tensors.items()
               if name.startswith("carried/")}  # fmt: skip
    if not tensors:
        return None
    layers: list[tuple[Tensor, ...]] = []
    while f"carried/state/{len(layers)}/0" in tensors:
        parts: list[Tensor] = []
        while (name := f"carried/state/{len(layers)}/{len(parts)}") in tensors:
            parts.append(tensors[name])
        layers.append(tuple(parts))
    return Carried(tensors["carried/history"], tuple(layers) or None)


def model_weights(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The network's `state_dict` in a checkpoint."""
    return {
        name.removeprefix("model/"): value
        for name, value in checkpoint.tensors.items()
        if name.startswith("model/")
    }


def load_weights(network: nn.Module, checkpoint: Checkpoint, config: Config) -> None:
    """Put the weights of a checkpoint into the network that the config describes.

    Raises:
        CheckpointError: they are those of another network.
    """
    own, saved = network.state_dict(), model_weights(checkpoint)
    odd = [
        name
        for name in sorted(own.keys() | saved.keys())
        if name not in own or name not in saved or own[name].shape != saved[name].shape
    ]
    if odd:
        raise CheckpointError(
            f"the checkpoint of step {checkpoint.step:,} holds the weights of another network than"
            f" model: describes; {len(odd)} tensors differ, the first is {odd[0]}:"
            f" {_shape(own, odd[0])} by the config, {_shape(saved, odd[0])} in the checkpoint",
            code="CKP103",
            position=config.where("model"),
            key="model",
            hint=f"put {config.path.name} back as it was when the run was trained",
        )
    network.load_state_dict(saved)


def _shape(tensors: dict[str, Tensor], name: str) -> str:
    return str(tuple(tensors[name].shape)) if name in tensors else "absent"


def _carried_tensors(carried: Carried | None) -> dict[str, Tensor]:
    if carried is None:
        return {}
    tensors = {"carried/history": carried.history}
    for index, layer in enumerate(carried.state or ()):
        for part, value in enumerate(layer):
            tensors[f"carried/state/{index}/{part}"] = value
    return tensors
