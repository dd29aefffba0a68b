"""A trained network that goes on by itself: each answer is read as the next input.

Shape letters: S steps of history, T steps of a window, B series, F columns, H steps ahead,
V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.tasks.sampling import Sampling, draw

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
    def forecast(self, history_SBF: Tensor, steps: int, truth_HBF: Tensor | None = None) -> Tensor:
        """(H, B, F) the `steps` after the history, from no more of it than is given.

        Forecasts are fed back; with `truth_HBF` the true values are (teacher forcing), so that
        each step is forecast as it would be `horizon` steps before.
        """
        going_on = self._by_window if self.window else self._by_state
        return torch.stack(going_on(history_SBF, steps, truth_HBF))

    def _by_window(self, history_SBF: Tensor, steps: int, truth: Tensor | None) -> list[Tensor]:
        assert self.window is not None
        series = [*history_SBF[-self.context :]]
        answers: list[Tensor] = []
        for step in range(steps):
            answer_BF, _ = self.network(torch.stack(series[step : step + self.window]))
            answers.append(answer_BF.float())
            series.append(answers[step] if truth is None else truth[step])
        return answers

    def _by_state(self, history_SBF: Tensor, steps: int, truth: Tensor | None) -> list[Tensor]:
        output_SBF, state = self.network(history_SBF)
        answers = [*output_SBF[-self.horizon :].float()]
        while len(answers) < steps:
            fed = answers if truth is None else truth
            output_1BF, state = self.network(fed[len(answers) - self.horizon][None], state)
            answers.append(output_1BF[0].float())
        return answers[:steps]


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
