"""Naive answers for classes and tokens: how often each came, alone or after the current input.

Shape letters: M valid targets, V input tokens, O classes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rnnexp.data.dataset import Dataset, Tokens
from rnnexp.tasks.naive_sequences import score_sequences

__all__ = ["LANGUAGE_SOURCES", "score_classes"]

LANGUAGE_SOURCES = ("text", "python_docs")
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]


def score_classes(dataset: Dataset, split: str) -> dict[str, dict[str, float]]:
    """Loss and accuracy of each naive answer, and what else the model of this data reports."""
    language = dataset.source in LANGUAGE_SOURCES
    generated = dataset.shape in ("one_to_many", "delayed")
    targets = _targets(dataset, split)
    frequency = _frequency(dataset)
    top = np.full(len(targets), frequency.argmax())
    name = "unigram" if language or generated else "majority"
    scores = {name: _score(frequency[targets], top == targets, language)}
    if generated:
        scores |= score_sequences(dataset, split)
    elif _inputs_tell(dataset):
        name = "bigram" if language else "most_frequent_per_token"
        scores[name] = _after_input(dataset, split, frequency, language)
    return scores


def _score(probability: Doubles, right: NDArray[np.bool_], language: bool) -> dict[str, float]:
    loss = float(-np.log(probability).mean())
    scores = {"loss": loss, "accuracy": float(right.mean())}
    if language:
        scores |= {"perplexity": math.exp(loss), "bits_per_unit": loss / math.log(2)}
    return scores


def _targets(dataset: Dataset, split: str) -> Ints:
    """(M,) the valid targets of a split."""
    return np.asarray(dataset.split(split).targets[dataset.counted(split)], dtype=np.int64)


def _frequency(dataset: Dataset) -> Doubles:
    """(O,) share of each class in the training part; with one added to every count where a class
    never came, so that no loss is infinite.
    """
    counts = np.bincount(_targets(dataset, "train"), minlength=dataset.outputs.size)
    counts = counts if counts.all() else counts + 1
    return np.asarray(counts / counts.sum())


def _inputs_tell(dataset: Dataset) -> bool:
    """Whether the token of each step may say something about the answer of that step."""
    aligned = dataset.shape == "many_to_many" and isinstance(dataset.inputs, Tokens)
    return aligned and dataset.source in ("jsonl", *LANGUAGE_SOURCES)


def _after_input(
    dataset: Dataset, split: str, frequency: Doubles, language: bool
) -> dict[str, float]:
    """What came most often with the same input token.

    Witten-Bell interpolation: P(b|a) = (c(ab) + n(a) P(b)) / (c(a) + n(a)), where n(a) is how many
    different answers a had in training; P(b) where a never came.
    """
    a, b = _inputs(dataset, "train"), _targets(dataset, "train")
    classes, tokens = dataset.outputs.size, dataset.inputs.size
    pairs, counts = np.unique(a * classes + b, return_counts=True)
    kinds = np.bincount(pairs // classes, minlength=tokens)
    total = np.bincount(a, minlength=tokens) + kinds

    asked, targets = _inputs(dataset, split), _targets(dataset, split)
    wanted = asked * classes + targets
    place = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
    together = np.where(pairs[place] == wanted, counts[place], 0)
    smoothed = together + kinds[asked] * frequency[targets]
    probability = np.where(
        total[asked] > 0, smoothed / np.maximum(total[asked], 1), frequency[targets]
    )
    best = _best_answers(pairs, counts, kinds, frequency)
    return _score(probability, best[asked] == targets, language)


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


def _inputs(dataset: Dataset, split: str) -> Ints:
    """(M,) the input token at each valid target."""
    return np.asarray(dataset.split(split).inputs[dataset.counted(split)], dtype=np.int64)
