"""A run brought back for use: its config, its signature and its best weights, no data file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from rnnexp.config.config import Config
from rnnexp.config.loading import load_config
from rnnexp.data.dataset import Tokens, Values
from rnnexp.data.signature import Signature
from rnnexp.errors import CheckpointError
from rnnexp.layers.assembly import build
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.recording.checkpoint_state import best_checkpoint
from rnnexp.recording.checkpoints import STATE, Checkpoint
from rnnexp.recording.run_folder import RunFolder
from rnnexp.training.device import choose_device, choose_threads
from rnnexp.training.snapshot import load_weights, model_weights

__all__ = ["Trained", "restore_for_use"]


@dataclass(frozen=True)
class Trained:
    """A network in evaluation mode, and all that is needed to ask it something.

    step: after so many updates its weights were the best.
    """

    run: Path
    step: int
    config: Config
    signature: Signature
    network: AnyNetwork
    device: torch.device


def restore_for_use(run: Path) -> Trained:
    """The best network of a run. No file outside the run folder is read.

    Raises:
        CheckpointError: there is no checkpoint, it is damaged, or it does not fit the config.
        ConfigError: resolved.yaml is not what the run wrote.
    """
    checkpoint = best_checkpoint(RunFolder.open(run))
    config = load_config(run / "resolved.yaml")
    signature = _signature(run, checkpoint)
    settings = config.experiment
    # Nothing is lost on a machine without the GPU that trained the run.
    device = choose_device("cpu" if settings.training.device == "cpu" else "auto")
    torch.set_num_threads(
        choose_threads(
            settings.training.threads,
            max(settings.model.hidden_sizes),
            settings.training.batch_size,
        )
    )
    network = build(settings, signature).to(device)
    load_weights(network, checkpoint, config)
    return Trained(run, checkpoint.step, config, signature, network.eval(), device)


def _signature(run: Path, checkpoint: Checkpoint) -> Signature:
    try:
        signature = Signature.from_json(checkpoint.state["signature"])
        # Whatever is read or answered has a weight, so that no more is built than was saved.
        numbers = sum(value.numel() for value in model_weights(checkpoint).values())
        for spec in (signature.inputs, signature.outputs):
            if type(spec) in (Values, Tokens) and spec.size > numbers:
                raise ValueError(f"{spec.size:,} features or tokens")
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{checkpoint.path}/{STATE} does not say how the input of {run} is encoded: it was"
            " trained by another rnnexp",
            code="CKP104",
            key="signature",
            hint=f"train again: rnnexp train {run / 'config.yaml'}",
        ) from error
    return signature
