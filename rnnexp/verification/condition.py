"""Networks that read an image: the equations begin at the vector that it is encoded into."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from rnnexp.layers.network import Network, OneHot
from rnnexp.verification.probe import Probe

__all__ = ["encoded"]


def encoded(network: Network, probe: Probe) -> tuple[Network, Probe, tuple[str, ...]]:
    """The network without what reads its image, the probe with its conditions encoded instead.

    Also the names of the parameters that are left out by that. The weights are shared.
    """
    reader = network.encode_condition
    if reader is None or isinstance(reader, OneHot | nn.Identity):
        return network, probe, ()
    batch = probe.batch
    assert batch.condition is not None
    device = next(network.parameters()).device
    with torch.no_grad():
        condition_BC = reader(batch.condition.to(device)).cpu()
    rest = Network(
        network.encode, network.stack, network.head, nn.Identity(), network.bridge, network.pooling
    )
    names = tuple(f"encode_condition.{name}" for name, _ in reader.named_parameters())
    return rest, replace(probe, batch=replace(batch, condition=condition_BC)), names
