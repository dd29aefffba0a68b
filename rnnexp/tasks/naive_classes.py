"""Naive answers for classes and tokens: how often each came, alone or after the current input.

Shape letters: M valid targets, V input tokens, O classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.data.dataset import Dataset, Tokens, Words
from rnnexp.tasks.confusion import class_counts, judges_classes, macro_f1
from rnnexp.tasks.language import is_language
from rnnexp.tasks.naive_sequences import score_sequences
from rnnexp.tasks.pair_counts import PairCounts

__all__ = ["score_classes"]

OWN_FILES = ("conllu", "csv_rows", "jsonl", "npz", "parquet_rows")
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]
Answer = Callable[[Ints, Ints], tuple[Doubles, Ints]]
"""input tokens (M,) and targets (M,) -> probability of each target, the answer given instead"""


def score_classes(dataset: Dataset, split: str) -> dict[str, dict[str, float]]:
    """Loss and accuracy of each naive answer, and what else the model of this data reports."""
    language = is_language(dataset)
    generated = dataset.shape in ("one_to_many", "delayed")
    pairs = _pairs(dataset) if _inputs_tell(dataset) else None
    frequency = _frequency(dataset, pairs)
    top = frequency.argmax()
    name = "unigram" if language or generated else "majority"

    def most_frequent(_: Ints, targets: Ints) -> tuple[Doubles, Ints]:
        return frequency[targets], np.broadcast_to(top, targets.shape)

    scores = {name: _score(dataset, split, most_frequent)}
    if generated:
        scores |= score_sequences(dataset, split)
    elif pairs is not None:
        name = "bigram" if language else "most_frequent_per_token"
        answer = _AfterInput.fit(pairs, frequency, dataset.inputs.size)
        scores[name] = _score(dataset, split, answer)
    return scores


def _score(dataset: Dataset, split: str, answer: Answer) -> dict[str, float]:
    total = right = count = 0.0
    counts = np.zeros((3, dataset.outputs.size), dtype=np.int64)
    for inputs, targets in _valid(dataset, split):
        probability, answers = answer(inputs, targets)
        total -= float(np.log(probability).sum())
        right += float((answers == targets).sum())
        count += len(targets)
        if judges_classes(dataset):
            counts += class_counts(targets, answers, dataset.outputs.size)
    loss = total / count
    scores = {"loss": loss, "accuracy": right / count}
    if judges_classes(dataset):
        scores["macro_f1"] = macro_f1(counts)
    if is_language(dataset):
        scores |= {"perplexity": math.exp(loss), "bits_per_unit": loss / math.log(2)}
    return scores


def _valid(dataset: Dataset, split: str) -> Iterator[tuple[Ints, Ints]]:
    """The valid targets (M,) of a split, piece by piece, and the input token at each.

    Where inputs are not aligned with targets, the targets stand in both places.
    """
    aligned = _inputs_tell(dataset)
    for piece in dataset.split(split).pieces():
        counted = dataset.counted_in(piece)
        targets = _chosen(piece.targets, counted)
        inputs = piece.inputs[..., 0] if isinstance(dataset.inputs, Words) else piece.inputs
        yield _chosen(inputs, counted) if aligned else targets, targets


def _chosen(values: NDArray[Any], counted: NDArray[np.bool_]) -> Ints:
    """(M,) the values that count; all of them, mostly, and then there is nothing to pick."""
    return np.asarray(values.ravel() if counted.all() else values[counted], dtype=np.int64)


def _pairs(dataset: Dataset) -> PairCounts:
    return PairCounts.of(_valid(dataset, "train"), dataset.inputs.size, dataset.outputs.size)


def _frequency(dataset: Dataset, pairs: PairCounts | None) -> Doubles:
    """(O,) share of each class in the training part; with one added to every count where a class
    never came, so that no loss is infinite.
    """
    counts = np.zeros(dataset.outputs.size, dtype=np.int64)
    if pairs is not None:  # which were counted over the same targets
        np.add.at(counts, pairs.pairs % len(counts), pairs.counts)
    else:
        for _, targets in _valid(dataset, "train"):
            counts += np.bincount(targets, minlength=len(counts))
    counts = counts if counts.all() else counts + 1
    return np.asarray(counts / counts.sum())


def _inputs_tell(dataset: Dataset) -> bool:
    """Whether the token of each step may say something about the answer of that step."""
    aligned = dataset.shape == "many_to_many" and isinstance(dataset.inputs, Tokens)
    return aligned and (dataset.source in OWN_FILES or is_language(dataset))


@dataclass(frozen=True)
class _AfterInput:
    """What came most often with the same input token.

    Witten-Bell interpolation: P(b|a) = (c(ab) + n(a) P(b)) / (c(a) + n(a)), where n(a) is how many
    different answers a had in training; P(b) where a never came.

    frequency: (O,) P(b). kinds: (V,) n(a). total: (V,) c(a) + n(a). best: (V,) likeliest answer.
    """

    pairs: PairCounts
    frequency: Doubles
    kinds: Ints
    total: Ints
    best: Ints

    @classmethod
    def fit(cls, pairs: PairCounts, frequency: Doubles, tokens: int) -> _AfterInput:
        a = pairs.pairs // len(frequency)
        kinds = np.bincount(a, minlength=tokens)
        came = np.zeros_like(kinds)
        np.add.at(came, a, pairs.counts)
        best = _best_answers(pairs.pairs, pairs.counts, kinds, frequency)
        return cls(pairs, frequency, kinds, came + kinds, best)

    def __call__(self, inputs: Ints, targets: Ints) -> tuple[Doubles, Ints]:
        together = self.pairs.count_of(inputs, targets)
        smoothed = together + self.kinds[inputs] * self.frequency[targets]
        total = self.total[inputs]
        known = smoothed / np.maximum(total, 1)
        return np.where(total > 0, known, self.frequency[targets]), self.best[inputs]


def _best_answers(pairs: Ints, counts: Ints, kinds: Ints, frequency: Doubles) -> Ints:
    """(V,) the likeliest answer to each token under the same interpolation."""
    a, b = np.divmod(pairs, len(frequency))
    score = counts + kinds[a] * frequency[b]
    order = np.lexsort((-b, score, a))
    last = order[np.append(np.diff(a[order]) > 0, True)]  # the highest score of each token
    top = frequency.argmax()
    best = np.full(len(kinds), top)
    best[a[last]] = np.where(score[last] >= kinds[a[last]] * frequency[top], b[last], top)
    return best
