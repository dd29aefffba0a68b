"""Teacher forcing: some time steps read the true previous answer in place of the network's own.

Shape letters: T time, B batch, O output. Source: Williams and Zipser 1989; scheduled sampling:
Bengio, Vinyals, Jaitly, Shazeer 2015.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.nn import functional as F

from rnnexp.config.training_settings import TeacherForcing
from rnnexp.data.batches import Batch
from rnnexp.data.dataset import Tokens, Values

__all__ = ["Teacher"]


class Teacher:
    """Gives batches the true previous answers, and tosses which steps read them.

    The scaled value, or the one-hot of the class; the first step of a sequence has no previous
    answer and always reads the state, which is 0 or carried.
    """

    def __init__(self, settings: TeacherForcing, outputs: Values | Tokens) -> None:
        self.settings, self.outputs = settings, outputs

    def share(self, epoch: int) -> float:
        """The share of steps that are forced in an epoch, counted from 0."""
        start, end, epochs = self.settings.start, self.settings.end, self.settings.epochs
        if end is None or epochs is None:
            return start
        return start + (end - start) * min(epoch / epochs, 1.0)

    def attach(self, batch: Batch, epoch: int) -> Batch:
        """The batch with `teacher` (T, B, O) and `forced` (T, B, 1), from torch's generator.

        A decoder that reads tokens has the true ones among its inputs: then `teacher` is (T, B),
        and nothing is attached where every step is forced.
        """
        if batch.condition_lengths is not None:
            return self._attach_tokens(batch, self.share(epoch))
        answers = batch.targets
        if isinstance(self.outputs, Tokens):
            answers = F.one_hot(answers, self.outputs.size).to(torch.float32)
        teacher_TBO = torch.roll(answers, 1, dims=0)
        teacher_TBO[0] = 0
        coins_TB1 = torch.rand(*answers.shape[:2], 1, device=answers.device)
        forced_TB1 = (coins_TB1 < self.share(epoch)).to(teacher_TBO.dtype)
        forced_TB1[0] = 0
        return replace(batch, teacher=teacher_TBO, forced=forced_TB1)

    @staticmethod
    def _attach_tokens(batch: Batch, share: float) -> Batch:
        if share == 1:
            return batch
        coins_TB1 = torch.rand(*batch.inputs.shape, 1, device=batch.inputs.device)
        return replace(batch, teacher=batch.inputs, forced=(coins_TB1 < share).float())
