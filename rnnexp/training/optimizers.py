"""From `training.optimizer` to torch's optimizers, in their fused form where there is one.

torch keeps its compiler out of some methods of an optimizer, and imports the compiler for that at
their first call, which takes as long again as torch itself. Nothing is compiled here, so the
classes below are torch's own with those methods as they are written, and nothing around them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from rnnexp.config.schema.training import Adam, AdamW, Optimizer, RmsProp, Sgd

__all__ = ["build_optimizer"]


def _as_written(method: Any) -> Any:
    return torch.no_grad()(inspect.unwrap(method))


class _Plain(torch.optim.Optimizer):
    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    state_dict = inspect.unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.Optimizer.load_state_dict)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)


class _Adam(_Plain, torch.optim.Adam):
    step = _as_written(torch.optim.Adam.step)


class _AdamW(_Plain, torch.optim.AdamW):
    step = _as_written(torch.optim.AdamW.step)


class _Sgd(_Plain, torch.optim.SGD):
    step = _as_written(torch.optim.SGD.step)


class _RmsProp(_Plain, torch.optim.RMSprop):
    step = _as_written(torch.optim.RMSprop.step)


def build_optimizer(config: Optimizer, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer over the parameters."""
    settings = config.model_dump(exclude={"name"})
    parameters = list(parameters)
    if isinstance(config, AdamW):
        return _AdamW(parameters, fused=True, **settings)
    if isinstance(config, Adam):
        return _Adam(parameters, fused=True, **settings)
    if isinstance(config, Sgd):
        return _Sgd(parameters, fused=True, **settings)
    assert isinstance(config, RmsProp)
    return _RmsProp(parameters, **settings)
