"""One update: the gradient is there; measure it, refuse it or clip it, and step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from rnnexp.errors import DivergedError
from rnnexp.training.clipping import Clipper

__all__ = [
    "Applied",
    "FusedStep",
    "Statistics",
    "Updater",
    "diverged",
    "gradient_norms",
    "is_finite",
    "is_fused",
]


# An optimizer's step without the Python around it.
#
# On a small network `torch.optim.Adam.step` spends more time in Python (grouping tensors, asking
# for state, profiling itself) than in the fused kernel that moves the weights. Here the lists that
# the kernel takes are gathered once, and every later step is the kernel alone. The state stays
# where the optimizer keeps it, so checkpoints are the optimizer's own, and the numbers are torch's
# own too.

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


# One update: the gradient is there; measure it, refuse it or clip it, and step.
#
# Loss and gradient norm are checked before the optimizer moves a weight, so that no weight ever
# becomes NaN. Between the norm and the step there is no pass over the gradient: the kernel that
# moves the weights clips as well (`fused.py`).


@dataclass
class Statistics:
    """What happened since the last line of the log."""

    updates: int = 0
    clipped: int = 0
    tokens: int = 0
    loss: float = 0.0
    norm: float = 0.0
    largest_norm: float = 0.0

    def add(self, loss: float, norm: float, clipped: bool, tokens: int) -> None:
        self.updates += 1
        self.loss += loss
        self.norm += norm
        self.largest_norm = max(self.largest_norm, norm)
        self.clipped += clipped
        self.tokens += tokens

    def record(self, limit: Mapping[str, float]) -> dict[str, float]:
        """Means over the updates; `clipped` is their share that was changed."""
        record = {
            "train/loss": self.loss / self.updates,
            "grad_norm": self.norm / self.updates,
            "grad_norm_max": self.largest_norm,
        }
        if limit:
            record |= {"clipped": self.clipped / self.updates, **limit}
        return record


class Applied(NamedTuple):
    """What an update came to. norm: of the gradient before clipping. clipped: whether it was."""

    loss: float
    norm: float
    clipped: bool


class Updater:
    """Moves the weights by one gradient."""

    def __init__(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, clipper: Clipper
    ) -> None:
        self.clipper, self.stepper = clipper, FusedStep(optimizer)
        self.names = [name for name, p in network.named_parameters() if p.requires_grad]
        self._divisor = torch.ones(())

    def step(self, loss: Tensor, learning_rate: float) -> Applied:
        """Clip and apply the gradients, which are used up.

        Raises:
            DivergedError: the loss or the gradient is not finite; the weights are as before.
        """
        gradients = self.stepper.gradients()
        norms_P, total = gradient_norms(gradients)
        value, norm = loss.item(), total.item()
        if not is_finite(value, norm):
            raise diverged(value, norm, self.names_of(gradients), norms_P)
        divisor = self.clipper.divisor(norm)
        clipped = divisor > 1.0 or self.clipper.cut(gradients, norm)
        self.stepper.step(gradients, learning_rate, self._placed(divisor, total))
        self.stepper.forget_gradients()
        return Applied(value, norm, clipped)

    def names_of(self, gradients: list[Tensor]) -> list[str]:
        """The parameters that have these gradients."""
        if len(gradients) == len(self.names):
            return self.names
        pairs = zip(self.names, self.stepper.parameters, strict=True)
        return [name for name, parameter in pairs if parameter.grad is not None]

    def _placed(self, divisor: float, norm: Tensor) -> Tensor | None:
        if divisor == 1.0:
            return None
        self._divisor = self._divisor.to(norm.device)
        return self._divisor.fill_(divisor)


def gradient_norms(gradients: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Each gradient's Euclidean norm, (P,), and that of all together, (); one pass over them."""
    norms_P = torch.stack(torch._foreach_norm(gradients))
    return norms_P, torch.linalg.vector_norm(norms_P)


def is_finite(loss: float, norm: float) -> bool:
    """Whether the update that they belong to may reach the weights."""
    return math.isfinite(loss) and math.isfinite(norm)


def diverged(loss: float, norm: float, names: Sequence[str], norms_P: Tensor) -> DivergedError:
    """The error for a loss or a norm that is not finite; norms_P: the norm of each parameter."""
    if not math.isfinite(loss):
        return DivergedError(
            f"the loss is {loss}; the weights of the last good step are kept",
            code="DIV001",
            hint="lower training.optimizer.lr, or clip: training.clip.norm=1.0",
        )
    each = zip(names, norms_P.tolist(), strict=True)
    bad = (name for name, own in each if not math.isfinite(own))
    named = next(bad, "none alone, the sum of squares overflows")
    return DivergedError(
        f"the gradient norm is {norm}; first parameter whose own is not finite: {named}",
        code="DIV002",
        hint="clip the gradient: training.clip.norm=1.0, or lower training.optimizer.lr",
    )
