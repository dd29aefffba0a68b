"""A trained network that goes on by itself: each answer is read as the next input.

Shape letters: S steps of history, T steps of a window, B series, F predicted columns, I columns
that are read (those, then the further ones), H steps ahead, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice

import numpy as np
import torch
from torch import Tensor

from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.tasks.decoding import Sampling, draw

__all__ = ["Forecaster", "greedily", "sampled"]


@dataclass(frozen=True)
class Forecaster:
    """Continues scaled series. Step n is forecast from the history up to step n - horizon.

    window: T of a network that reads one window per answer (many-to-one); None for one that
    answers at every step (many-to-many), whose state is carried on.
    """

    network: AnyNetwork
    window: int | None
    horizon: int

    @property
    def context(self) -> int:
        """How many steps of history the first `horizon` forecasts need."""
        return self.horizon + (self.window or 1) - 1

    @torch.no_grad()
    def forecast(
        self,
        history_SBI: Tensor,
        steps: int,
        beside: Tensor | None = None,
        truth: Tensor | None = None,
    ) -> Tensor:
        """(H, B, F) the `steps` after the history, from no more of it than is given.

        Forecasts are fed back, beside the further columns (H, B, I - F) of those steps; with
        `truth` (H, B, F) the true values are (teacher forcing), so that each step is forecast as
        it would be `horizon` steps before.
        """

        def fed(step: int) -> Tensor:
            """(B, I) what stands in the place of a step after the history."""
            known = answers[step] if truth is None else truth[step]
            return known if beside is None else torch.cat([known, beside[step]], dim=-1)

        answers: list[Tensor] = []
        going_on = self._by_window if self.window else self._by_state
        for answer_BF in islice(going_on(history_SBI, fed), steps):
            answers.append(answer_BF.float())
        return torch.stack(answers)

    def _by_window(self, history_SBI: Tensor, fed: Callable[[int], Tensor]) -> Iterator[Tensor]:
        assert self.window is not None
        series = [*history_SBI[-self.context :]]
        for step in count():
            if step >= self.horizon:
                series.append(fed(step - self.horizon))
            answer_BF, _ = self.network(torch.stack(series[step : step + self.window]))
            yield answer_BF

    def _by_state(self, history_SBI: Tensor, fed: Callable[[int], Tensor]) -> Iterator[Tensor]:
        output_SBF, state = self.network(history_SBI)
        yield from output_SBF[-self.horizon :]
        for step in count():
            output_1BF, state = self.network(fed(step)[None], state)
            yield output_1BF[0]


def greedily(
    network: AnyNetwork, first_1B: Tensor, steps: int, condition: Tensor | None, classes: bool
) -> Tensor:
    """The likeliest ids (T, B), or the values (T, B, O), each read as the next input."""
    state, previous, answers = None, first_1B, []
    for _ in range(steps):
        output_1BO, state = network(previous, state, None, condition)
        previous = output_1BO.argmax(-1) if classes else output_1BO
        answers.append(previous)
    return torch.cat(answers)


@torch.no_grad()
def sampled(
    network: AnyNetwork,
    first_TB: Tensor,
    sampling: Sampling,
    streams: Sequence[np.random.Generator],
    *,
    condition: Tensor | None = None,
    never: Sequence[int] = (),
) -> Iterator[Tensor]:
    """Token ids (B,) step by step, for ever, with the state carried from step to step.

    first_TB: what is read before the first draw. streams: one source of chance for each of the B
    sequences, so that a sequence is the same however many are drawn beside it. never: ids that
    are not drawn.
    """
    inputs_TB, state = first_TB, None
    while True:
        output_TBV, state = network(inputs_TB, state, None, condition)
        logits_BV = output_TBV[-1].float()
        logits_BV[:, list(never)] = -torch.inf
        uniform_B = torch.tensor([stream.random() for stream in streams], dtype=torch.float64)
        ids_B = draw(logits_BV, sampling, uniform_B.to(logits_BV.device))
        yield ids_B
        inputs_TB = ids_B[None]
