"""What stands in predictions.jsonl: every answer to a split beside its target.

Numbers are one record a target. Classes and generated sequences are one record an example, with
the names that the vocabulary knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.data.dataset import Dataset, Tokens
from rnnexp.tasks.residuals import Intervals
from rnnexp.training.answers import Answers

__all__ = ["INTERVAL", "prediction_records"]

Record = dict[str, Any]
Ints = NDArray[np.int64]

INTERVAL = 95
"""the level of `low` and `high` in per cent"""
PROBABILITY_DIGITS = 6


def prediction_records(
    answers: Answers, dataset: Dataset, split: str, intervals: Intervals | None = None
) -> Iterator[Record]:
    """The records of a split, in the order of its examples.

    Numbers have `target` and `prediction` in their own units, and `low` and `high` of the 95 %
    interval where `intervals` are given; `index` counts the time steps of one series, and of
    sequences that stand alone `example` and `step` say which one and where in it. Classes have
    `example` (where it stands in its source), `target`, `prediction` and the `probability` of the
    prediction, or lists of these for one answer per step. Generated tokens end with the sequence.
    """
    if not isinstance(dataset.outputs, Tokens):
        return _number_records(answers.valid(), dataset, split, intervals)
    named = _namer(dataset.outputs)
    if dataset.shape == "many_to_one":
        return _class_records(answers, _origin(dataset, split), named)
    return _sequence_records(answers, _origin(dataset, split), named, dataset.outputs.end)


def _number_records(
    answers: Answers, dataset: Dataset, split: str, intervals: Intervals | None
) -> Iterator[Record]:
    alone = dataset.shape != "many_to_one" and not dataset.consecutive
    origin, steps = _origin(dataset, split)[answers.rows], answers.steps
    numbers = answers.rows * dataset.time_steps + steps if alone else origin + steps
    values = {"target": answers.target, "prediction": answers.prediction}
    if intervals is not None:
        values["low"], values["high"] = intervals.around(answers.prediction, INTERVAL)
    for m, number in enumerate(numbers.tolist()):
        own = {"example": int(origin[m]), "step": int(steps[m])} if alone else {}
        yield {"index": number} | own | {name: value[m].tolist() for name, value in values.items()}


def _class_records(
    answers: Answers, origin: Ints, named: Callable[[Ints], list[Any]]
) -> Iterator[Record]:
    assert answers.probability is not None
    columns = {
        "example": origin[answers.rows].tolist(),
        "target": named(answers.target),
        "prediction": named(answers.prediction),
        "probability": answers.probability.round(PROBABILITY_DIGITS).tolist(),
    }
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def _sequence_records(
    answers: Answers, origin: Ints, named: Callable[[Ints], list[Any]], end: int | None
) -> Iterator[Record]:
    """One record an example; its steps stand together in `answers`."""
    firsts = np.flatnonzero(np.diff(answers.rows, prepend=-1))
    for start, stop in zip(firsts, [*firsts[1:], len(answers.rows)], strict=True):
        counted = answers.counted[start:stop]
        target, prediction = answers.target[start:stop][counted], answers.prediction[start:stop]
        record: Record = {"example": int(origin[answers.rows[start]])}
        if answers.probability is None:
            written = named(_before_end(target, end)), named(_before_end(prediction, end))
            yield record | {"target": written[0], "prediction": written[1]}
            continue
        probability = answers.probability[start:stop][counted].round(PROBABILITY_DIGITS)
        record |= {"target": named(target), "prediction": named(prediction[counted])}
        yield record | {"probability": probability.tolist()}


def _before_end(ids: Ints, end: int | None) -> Ints:
    """What was generated up to the end token, all of it where there is none."""
    ends = np.flatnonzero(ids == end)
    return ids[: ends[0]] if len(ends) else ids


def _origin(dataset: Dataset, split: str) -> Ints:
    """(N,) where each example stands in its source, or else its number."""
    sequences = dataset.split(split)
    return np.arange(len(sequences)) if sequences.origin is None else sequences.origin


def _namer(outputs: Tokens) -> Callable[[Ints], list[Any]]:
    """Ids by their names, or as they are where they have none."""
    vocabulary = outputs.vocabulary
    return (lambda ids: ids.tolist()) if vocabulary is None else vocabulary.decode
