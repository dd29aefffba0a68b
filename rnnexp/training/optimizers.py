"""From `training.optimizer` to torch's optimizers, in their fused form where there is one."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from rnnexp.config.schema.training import Adam, AdamW, Optimizer, RmsProp, Sgd

__all__ = ["build_optimizer"]


def build_optimizer(config: Optimizer, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer over the parameters."""
    settings = config.model_dump(exclude={"name"})
    parameters = list(parameters)
    if isinstance(config, AdamW):
        return torch.optim.AdamW(parameters, fused=True, **settings)
    if isinstance(config, Adam):
        return torch.optim.Adam(parameters, fused=True, **settings)
    if isinstance(config, Sgd):
        return torch.optim.SGD(parameters, fused=True, **settings)
    assert isinstance(config, RmsProp)
    return torch.optim.RMSprop(parameters, **settings)
