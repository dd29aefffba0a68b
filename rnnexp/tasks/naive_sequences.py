"""Naive answers for whole sequences of tokens: always the same one, or what was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from rnnexp.data.dataset import Dataset, Tokens, Words
from rnnexp.data.encoding import UNKNOWN
from rnnexp.tasks.text_scores import text_scores

__all__ = ["score_sequences"]

Ids = tuple[int, ...]


def score_sequences(dataset: Dataset, split: str) -> dict[str, dict[str, float]]:
    """`most_frequent_sequence`, and where a sequence of tokens is read, `copy`."""
    scores = {"most_frequent_sequence": _most_frequent(dataset, split)}
    if dataset.shape == "delayed" and isinstance(dataset.inputs, Tokens):
        scores["copy"] = _copy(dataset, dataset.inputs, split)
    return scores


def _most_frequent(dataset: Dataset, split: str) -> dict[str, float]:
    """Always answer the sequence that training showed most often."""
    (answer, _), *_ = Counter(_targets(dataset, "train")).most_common(1)
    targets, counted = _targets(dataset, split), dataset.counted(split)
    row = np.full(counted.shape[1], -1)
    row[: len(answer)] = answer[: len(row)]
    right = (dataset.split(split).targets == row)[counted]
    exact = sum(target == answer for target in targets) / len(targets)
    texts = _text_scores(dataset, split, [_outputs(dataset).text(answer)] * len(targets))
    return {"accuracy": float(right.mean()), "exact_match": exact} | texts


def _copy(dataset: Dataset, inputs: Tokens, split: str) -> dict[str, float]:
    """Answer with the source as it is; an unknown token is not what stood there."""
    sources, outputs = _sources(dataset, split), _outputs(dataset)
    exact = [
        _names(inputs, source) == _names(outputs, target) and UNKNOWN not in _names(inputs, source)
        for source, target in zip(sources, _targets(dataset, split), strict=True)
    ]
    texts = _text_scores(dataset, split, [inputs.text(source) for source in sources])
    return {"exact_match": sum(exact) / len(exact)} | texts


def _text_scores(dataset: Dataset, split: str, answers: Sequence[str]) -> dict[str, float]:
    references = dataset.split(split).texts
    return {} if references is None else text_scores(answers, references)


def _outputs(dataset: Dataset) -> Tokens:
    assert isinstance(dataset.outputs, Tokens)
    return dataset.outputs


def _targets(dataset: Dataset, split: str) -> list[Ids]:
    targets, counted = dataset.split(split).targets, dataset.counted(split)
    return [tuple(row[valid].tolist()) for row, valid in zip(targets, counted, strict=True)]


def _sources(dataset: Dataset, split: str) -> list[Ids]:
    part = dataset.split(split)
    ids, steps = part.inputs, part.inputs.shape[1]
    if isinstance(dataset.inputs, Words):
        ids = ids[..., 0]
    lengths = np.full(len(part), steps) if part.source_lengths is None else part.source_lengths
    return [tuple(row[:n].tolist()) for row, n in zip(ids, lengths, strict=True)]


def _names(spec: Tokens, ids: Ids) -> list[str]:
    kept = [i for i in ids if i != spec.end]
    return spec.vocabulary.decode(kept) if spec.vocabulary else [str(i) for i in kept]
