"""An optimizer's step without the Python around it.

On a small network `torch.optim.Adam.step` spends more time in Python (grouping tensors, asking for
state, profiling itself) than in the fused kernel that moves the weights. Here the lists that the
kernel takes are gathered once, and every later step is the kernel alone. The state stays where the
optimizer keeps it, so checkpoints are the optimizer's own, and the numbers are torch's own too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

__all__ = ["FusedStep", "is_fused"]

Kernel = Callable[..., None]


def is_fused(optimizer: torch.optim.Optimizer) -> bool:
    """Whether its kernel can divide the gradient, and hold a step back, by itself."""
    return bool(optimizer.param_groups[0].get("fused"))


class FusedStep:
    """Steps an optimizer of one group.

    The first time, and after a resume, the optimizer steps itself: it makes the state that the
    kernel is then bound to. So it does where some parameters have no gradient.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer, self.fused = optimizer, is_fused(optimizer)
        self.parameters: list[Tensor] = [
            p for p in optimizer.param_groups[0]["params"] if p.requires_grad
        ]
        self._kernel: Kernel | None = None
        self._bound: Any = None

    def gradients(self) -> list[Tensor]:
        """The gradients that there are."""
        return [p.grad for p in self.parameters if p.grad is not None]

    def forget_gradients(self) -> None:
        """The next backward pass makes new ones."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(
        self,
        gradients: list[Tensor],
        lr: float,
        divisor: Tensor | None = None,
        held: Tensor | None = None,
    ) -> None:
        """Move the weights by gradient / divisor.

        divisor: float32, (), on the device of the weights. held: the same; where it is 1.0 nothing
        moves and no state changes, and nobody need ask the device which it was.
        """
        optimizer = self.optimizer
        optimizer.param_groups[0]["lr"] = lr
        whole = len(gradients) == len(self.parameters)
        if self._kernel is not None and whole and optimizer.state is self._bound:
            self._kernel(gradients, lr, divisor, held)
            return
        self._step_itself(gradients, divisor, held)
        if whole:
            self._kernel, self._bound = self._bind(), optimizer.state

    def _step_itself(
        self, gradients: list[Tensor], divisor: Tensor | None, held: Tensor | None
    ) -> None:
        if self.fused:
            self.optimizer.grad_scale, self.optimizer.found_inf = divisor, held  # type: ignore[attr-defined]
        else:
            assert held is None, "without a fused kernel nothing holds a step back"
            if divisor is not None:
                torch._foreach_div_(gradients, divisor)
        self.optimizer.step()

    def _bind(self) -> Kernel | None:
        group = self.optimizer.param_groups[0]
        states = [self.optimizer.state[p] for p in self.parameters]
        if not self.fused or not self.parameters:
            return None
        if isinstance(self.optimizer, torch.optim.Adam):  # AdamW is one
            slots = [[s[name] for s in states] for name in ("exp_avg", "exp_avg_sq", "step")]
            return partial(_adam, self.parameters, slots, _adam_settings(group))
        buffers = [s["momentum_buffer"] for s in states] if group["momentum"] else []
        return partial(_sgd, self.parameters, buffers, _settings(group, SGD))


SGD = ("weight_decay", "momentum", "dampening", "nesterov", "maximize")
ADAM = ("weight_decay", "eps", "amsgrad", "maximize")


def _settings(group: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: group[name] for name in names}


def _adam_settings(group: Mapping[str, Any]) -> tuple[Kernel, dict[str, Any]]:
    decoupled = group["decoupled_weight_decay"]
    kernel = torch._fused_adamw_ if decoupled else torch._fused_adam_
    beta1, beta2 = group["betas"]
    return kernel, _settings(group, ADAM) | {"beta1": beta1, "beta2": beta2}


def _adam(  # noqa: PLR0917
    weights: list[Tensor],
    slots: list[list[Tensor]],
    settings: tuple[Kernel, dict[str, Any]],
    gradients: list[Tensor],
    lr: float,
    divisor: Tensor | None,
    held: Tensor | None,
) -> None:
    (means, squares, steps), (kernel, numbers) = slots, settings
    torch._foreach_add_(steps, 1)
    kernel(weights, gradients, means, squares, [], steps, lr=lr, **numbers, grad_scale=divisor,
           found_inf=held)  # fmt: skip
    if held is not None:
        torch._foreach_sub_(steps, [held] * len(steps))


def _sgd(  # noqa: PLR0917
    weights: list[Tensor],
    buffers: list[Tensor],
    numbers: dict[str, Any],
    gradients: list[Tensor],
    lr: float,
    divisor: Tensor | None,
    held: Tensor | None,
) -> None:
    torch._fused_sgd_(weights, gradients, buffers, lr=lr, **numbers, is_first_step=False,
                      grad_scale=divisor, found_inf=held)  # fmt: skip
