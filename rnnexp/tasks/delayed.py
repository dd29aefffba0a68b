"""Many-to-many, delayed: a sequence in, another one out once all of it is read.

In training every step reads the true previous token; in scoring the target is also written freely,
greedily in every validation and by beam search when a finished network is scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from rnnexp.data.batches import Batch, condition_of
from rnnexp.data.dataset import Tokens
from rnnexp.layers.encoder_decoder import AnyNetwork, EncoderDecoder
from rnnexp.layers.padding import valid
from rnnexp.layers.stack import StackState
from rnnexp.tasks.decoding import Decoded, beam, greedy
from rnnexp.tasks.objective import Objective
from rnnexp.tasks.scores import text_scores
from rnnexp.tasks.task import Score, Task

__all__ = ["EncoderDecoderTask", "Search"]

ATTENDED = 3
"""how many targets of a scored split keep their attention"""


@dataclass(frozen=True)
class Search:
    """How targets are written: hypotheses at a time, how length counts, the most tokens."""

    size: int
    length_penalty: float
    most: int


class EncoderDecoderTask(Task):
    """Shapes: output (N, V) of the valid targets; targets (T, B) tokens; condition a source.

    Loss and accuracy are those of the next token after the true ones. `exact_match` is the share of
    targets written wholly right, the end token included and no unknown token among them; `bleu` and
    `chrf` compare the texts, where the targets are text.
    """

    def __init__(
        self, objective: Objective, outputs: Tokens, search: Search, compares_texts: bool
    ) -> None:
        super().__init__(objective)
        self.outputs, self.search, self.compares_texts = outputs, search, compares_texts
        self.finished = False

    def final(self) -> EncoderDecoderTask:
        """The same with beam search, and the attention of the first targets kept."""
        task = EncoderDecoderTask(self.objective, self.outputs, self.search, self.compares_texts)
        task.finished = True
        return task

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        return self.objective.loss(output, valid(batch.targets, batch.lengths), None)

    def score(
        self, network: AnyNetwork, batch: Batch, state: StackState | None
    ) -> tuple[Score, StackState]:
        assert isinstance(network, EncoderDecoder)
        output_NV, state = network(batch.inputs, None, batch.lengths, condition_of(batch))
        targets_N = valid(batch.targets, batch.lengths)
        sums = self.objective.sums(output_NV.float(), targets_N, None)
        written, true = self._write(network, batch), _true(batch)
        unknown = None if self.outputs.vocabulary is None else self.outputs.vocabulary.unknown
        right = [
            decoded.ids == ids and unknown not in ids
            for decoded, ids in zip(written, true, strict=True)
        ]
        sums |= {"exact": float(sum(right)), "sequences": float(len(right))}
        records = self._records(batch, written, true)
        return Score(sums, batch.count, records=records), state

    def _write(self, network: EncoderDecoder, batch: Batch) -> list[Decoded]:
        source, search, end = condition_of(batch), self.search, self.outputs.end
        assert isinstance(source, tuple) and end is not None
        if self.finished and search.size > 1:
            return beam(network, source, end, search.most, search.size, search.length_penalty)
        return greedy(network, source, end, search.most)

    def _records(
        self, batch: Batch, written: list[Decoded], true: list[tuple[int, ...]]
    ) -> list[dict[str, Any]]:
        """What was written beside the truth, as text; of the first ones where each token read."""
        assert batch.condition_lengths is not None
        texts = batch.texts or [self.outputs.text(ids) for ids in true]
        rows, lengths = batch.rows.tolist(), batch.condition_lengths.tolist()
        records: list[dict[str, Any]] = []
        for row, decoded, text, read in zip(rows, written, texts, lengths, strict=True):
            record = {"index": row, "target": text, "prediction": self.outputs.text(decoded.ids)}
            records.append(record | {"score": decoded.score})
            if self.finished and row < ATTENDED and decoded.attention is not None:
                records[-1]["tokens"] = self._names(decoded.ids)
                records[-1]["attention"] = np.round(decoded.attention[:, :read], 4).tolist()
        return records

    def _names(self, ids: Sequence[int]) -> list[str]:
        """The tokens of the target by name, where they have names."""
        vocabulary = self.outputs.vocabulary
        return vocabulary.decode(ids) if vocabulary else [str(i) for i in ids]

    def metrics(self, score: Score) -> Mapping[str, float]:
        metrics = dict(super().metrics(score))
        metrics["exact_match"] = score.sums["exact"] / score.sums["sequences"]
        if self.compares_texts:
            hypotheses, references = (
                [record[name] for record in score.records] for name in ("prediction", "target")
            )
            metrics |= text_scores(hypotheses, references)
        return metrics


def _true(batch: Batch) -> list[tuple[int, ...]]:
    """The target of each row, its end token included."""
    steps = len(batch.targets)
    lengths = [steps] * len(batch.rows) if batch.lengths is None else batch.lengths.tolist()
    columns = batch.targets.t().tolist()
    return [tuple(ids[:length]) for ids, length in zip(columns, lengths, strict=True)]
