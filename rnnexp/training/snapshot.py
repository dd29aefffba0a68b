"""Everything that a training needs to go on, as one checkpoint of tensors and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from rnnexp.config.config import Config
from rnnexp.errors import CheckpointError
from rnnexp.recording.checkpoints import TENSORS, Checkpoint
from rnnexp.training.bptt import Carried

__all__ = [
    "carried_state",
    "check_tensors",
    "check_weights",
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
    tensors = _weights(network)
    for index, slots in optimizer.state_dict()["state"].items():
        for name, value in slots.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{index}/{name}"] = value
    tensors |= random_state()
    tensors |= _carried_tensors(carried)
    copies = {name: value.detach().cpu().clone() for name, value in tensors.items()}
    return Checkpoint(step, copies, {"step": step, **state})


def restore(network: nn.Module, optimizer: torch.optim.Optimizer, checkpoint: Checkpoint) -> None:
    """Put weights, optimizer and random state back as `snapshot` found them.

    Raises:
        CheckpointError: no such state of a random generator; `check_tensors` asks for the rest.
    """
    network.load_state_dict(model_weights(checkpoint))
    slots: dict[int, dict[str, Tensor]] = {}
    for name, value in checkpoint.tensors.items():
        kind, _, rest = name.partition("/")
        if kind == "optimizer":
            index, _, slot = rest.partition("/")
            slots.setdefault(int(index), {})[slot] = value.clone()
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": slots, "param_groups": groups})
    try:
        set_random_state(checkpoint.tensors)
    except RuntimeError as error:
        raise _odd(checkpoint, "random/cpu", f"is no state of a generator: {error}") from None


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
            f"{_file(checkpoint)}: the checkpoint of step {checkpoint.step:,} holds the weights of"
            f" another network than model: describes; {len(odd)} tensors differ, the first is"
            f" {odd[0]}: {_shape(own, odd[0])} by the config, {_shape(saved, odd[0])} in the"
            " checkpoint",
            code="CKP103",
            position=config.where("model"),
            key="model",
            hint=f"put {config.path.name} back as it was when the run was trained",
        )
    check_weights(network, checkpoint)
    network.load_state_dict(saved)


# -- what a checkpoint must contain ----------------------------------------------------------------


def check_weights(network: nn.Module, checkpoint: Checkpoint) -> None:
    """Hold the weights against those of a network. Raises CheckpointError, naming the tensor."""
    weights = {name for name in checkpoint.tensors if name.startswith("model/")}
    _check_all(checkpoint, _weights(network), weights)


def check_tensors(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    checkpoint: Checkpoint,
    carried: Carried | None,
) -> None:
    """Hold every tensor against what a network and an optimizer that are new need to go on.

    carried: what could be carried, with the fewest rows and the most steps; None: nothing can.

    Raises:
        CheckpointError: the first that is missing, of another shape or kind, or not finite.
    """
    likes = _weights(network) | {"random/cpu": torch.get_rng_state()}
    if "random/cuda" in checkpoint.tensors:
        likes["random/cuda"] = torch.empty(16, dtype=torch.uint8)  # seed and offset
    likes |= _slots(optimizer, checkpoint) | _carried_tensors(carried)
    _check_all(checkpoint, likes, set(checkpoint.tensors))


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {f"model/{name}": value for name, value in network.state_dict().items()}


def _check_all(checkpoint: Checkpoint, likes: Mapping[str, Tensor], names: set[str]) -> None:
    for name in sorted(likes.keys() | names):
        if name not in likes:
            raise _odd(checkpoint, name, "belongs to nothing in this training")
        _check(checkpoint, name, likes[name])


def _slots(optimizer: torch.optim.Optimizer, checkpoint: Checkpoint) -> dict[str, Tensor]:
    """What the optimizer keeps of the parameters; of one that never had a gradient, nothing.

    Asked of the optimizer itself, which steps a parameter of its own that matters to nobody.
    """
    parameter = nn.Parameter(torch.zeros(2))
    parameter.grad = torch.zeros(2)
    (group,) = optimizer.param_groups
    probe = type(optimizer)([{**group, "params": [parameter]}])  # type: ignore[call-arg]
    probe.step()
    slots = {k: v for k, v in probe.state[parameter].items() if isinstance(v, Tensor)}
    trained = [index for index, p in enumerate(group["params"]) if p.requires_grad]
    kept = [i for i in trained if any(f"optimizer/{i}/{k}" in checkpoint.tensors for k in slots)]
    return {
        f"optimizer/{i}/{k}": v if v.shape == () else torch.empty_like(group["params"][i])
        for i in (kept if kept or not checkpoint.step else trained)
        for k, v in slots.items()
    }


def _check(checkpoint: Checkpoint, name: str, like: Tensor) -> None:
    """Shape, kind and values of a tensor. Raises CheckpointError."""
    value = checkpoint.tensors.get(name)
    if value is None:
        raise _odd(checkpoint, name, "is missing")
    if not _fits(name, value.shape, like.shape) or value.dtype != like.dtype:
        ours, theirs = (
            f"{str(each.dtype).removeprefix('torch.')} {tuple(each.shape)}"
            for each in (value, like)
        )
        raise _odd(checkpoint, name, f"is {ours}, not {theirs}")
    if name.endswith(("_sq", "/square_avg")):  # an overflow leaves infinity, and no step is made
        sound, what = value >= 0, "is negative or NaN"
    elif name.endswith("/step"):
        sound, what = (value >= 0) & (value <= checkpoint.step), "is no number of updates so far"
    else:
        sound, what = value.isfinite(), "is not finite"
    if not bool(sound.all()):
        raise _odd(checkpoint, name, f"has a value that {what}")


def _fits(name: str, shape: torch.Size, like: torch.Size) -> bool:
    """Whether a shape is the same; of what is carried, it may have more rows and fewer steps."""
    if not name.startswith("carried/") or len(shape) != len(like):
        return shape == like
    rows = 1 if name == "carried/history" else 0
    enough = shape[rows] >= like[rows] and shape[:rows] <= like[:rows]
    return enough and shape[rows + 1 :] == like[rows + 1 :]


def _odd(checkpoint: Checkpoint, name: str, what: str) -> CheckpointError:
    return CheckpointError(
        f"{_file(checkpoint)}: tensor {name!r} {what}",
        code="CKP012",
        key=name,
        hint="an earlier step of the same run may be whole; rnnexp runs show lists them",
    )


def _file(checkpoint: Checkpoint) -> str:
    return TENSORS if checkpoint.path is None else str(checkpoint.path / TENSORS)


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
