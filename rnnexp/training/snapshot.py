"""Everything that a training needs to go on, as one checkpoint of tensors and JSON."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from rnnexp.config.config import Config
from rnnexp.errors import CheckpointError
from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.training.bptt import Carried

__all__ = ["load_weights", "model_weights", "snapshot"]


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
    tensors["random/cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random/cuda"] = torch.cuda.get_rng_state()
    tensors |= _carried_tensors(carried)
    copies = {name: value.detach().cpu().clone() for name, value in tensors.items()}
    return Checkpoint(step, copies, {"step": step, **state})


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
