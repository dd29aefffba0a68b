"""Updates whose outcome is read later, so that the CPU does not wait for the GPU at every step.

Losses and norms stay on the device, and so does the answer to whether one was not finite: a flag
that holds back that update and every later one inside torch's fused kernels. Reading late therefore
costs no weight. Many are read at once: for a line of the log, a checkpoint, a signal, the end of an
epoch, and where `READ_EVERY` have gathered.

What would need an answer at every step is not deferred: RMSprop has no fused kernel, and the
threshold of `clip: {auto: ...}` follows the norms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rnnexp.errors import DivergedError
from rnnexp.training.bptt import Carried
from rnnexp.training.clipping import AutoClipper
from rnnexp.training.gradients import Pending
from rnnexp.training.update import Applied, Updater, diverged, gradient_norms, is_finite

__all__ = ["READ_EVERY", "Deferred", "Held", "Made", "Place", "can_defer"]

READ_EVERY = 32


@dataclass(frozen=True)
class Place:
    """Where training stood before an update: what a checkpoint would hold besides the weights."""

    step: int
    epoch: int
    batch: int
    window: int
    carried: Carried | None
    random: dict[str, Tensor]


@dataclass(frozen=True)
class Made:
    """An update that was given to the device.

    names, norms: of the parameters, and of their gradients, (P,).
    measured: loss, norm of all, and what `Clipper.clipped` asks for, each ().
    """

    pending: Pending
    learning_rate: float
    place: Place
    names: Sequence[str]
    norms: Tensor
    measured: tuple[Tensor, Tensor, Tensor]


class Held(BaseException):
    """A loss or gradient was not finite; no weight has moved since the update before."""

    def __init__(self, made: Made, error: DivergedError) -> None:
        super().__init__()
        self.made, self.error = made, error


def can_defer(updater: Updater) -> bool:
    """Whether such updates can be made without an answer from the device."""
    return updater.stepper.fused and not isinstance(updater.clipper, AutoClipper)


class Deferred:
    """Makes updates as `Updater.step` does, bit for bit, and tells later what they came to."""

    def __init__(self, updater: Updater, device: torch.device) -> None:
        self.updater, self.unread = updater, list[Made]()
        self._zero = torch.zeros((), device=device)
        self._poison = torch.zeros_like(self._zero)  # 0, and NaN for good once anything was
        self._held = torch.zeros_like(self._zero)  # 0, then 1

    @property
    def full(self) -> bool:
        return len(self.unread) >= READ_EVERY

    def step(self, pending: Pending, learning_rate: float, place: Place) -> None:
        """Clip and apply the gradients, unless they or those of an update before are not finite."""
        updater = self.updater
        gradients = updater.stepper.gradients()
        names = updater.names_of(gradients)
        norms_P, norm = gradient_norms(gradients)
        self._poison.addcmul_(pending.loss, self._zero).addcmul_(norm, self._zero)
        torch.ne(self._poison, self._poison, out=self._held)
        divisor, largest = updater.clipper.on_device(gradients, norm)
        updater.stepper.step(gradients, learning_rate, divisor, self._held)
        updater.stepper.forget_gradients()
        measured = pending.loss, norm, largest
        self.unread.append(Made(pending, learning_rate, place, names, norms_P, measured))

    def read(self) -> Iterator[tuple[Made, Applied]]:
        """What came of the updates since the last time, in one copy from the device.

        Raises:
            Held: after those that were made, where one was held back.
        """
        unread, self.unread = self.unread, []
        if not unread:
            return
        measured_U3 = torch.stack([value for made in unread for value in made.measured])
        for made, values in zip(unread, measured_U3.view(-1, 3).tolist(), strict=True):
            loss, norm, largest = values
            if not is_finite(loss, norm):
                raise Held(made, diverged(loss, norm, made.names, made.norms))
            yield made, Applied(loss, norm, self.updater.clipper.clipped(norm, largest))
