"""Networks that read words character by character: the equations begin behind that reading."""

from __future__ import annotations

from dataclasses import replace

import torch

from rnnexp.layers.network import Network
from rnnexp.layers.word_encoder import WordEncoder
from rnnexp.verification.probe import Probe

__all__ = ["behind_words"]


def behind_words(network: Network, probe: Probe) -> tuple[Network, Probe, tuple[str, ...]]:
    """The network without its word encoder, on the numbers that the encoder makes of the probe.

    Also the names of the parameters that are left out by that. The weights are shared.
    """
    if not isinstance(network.encode, WordEncoder):
        return network, probe, ()
    device = next(network.parameters()).device
    with torch.no_grad():
        x_TBI = network.encode(probe.batch.inputs.to(device)).cpu()
    names = tuple(f"encode.{name}" for name, _ in network.encode.named_parameters())
    return (
        network.reading_numbers(),
        replace(probe, batch=replace(probe.batch, inputs=x_TBI)),
        names,
    )
