"""How often each class was taken for which: counts that add up over batches, and scores per class.

Shape letters: M targets, O classes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.metrics import MOST_CLASSES
from rnnexp.data.dataset import Dataset, Tokens
from rnnexp.tasks.language import is_language

__all__ = [
    "ClassScore",
    "absent_classes",
    "class_names",
    "class_scores",
    "confusion_of",
    "counts_confusions",
    "macro_f1",
]

Ints = NDArray[np.int64]

MOST_NAMED = 5


def counts_confusions(dataset: Dataset) -> bool:
    """Whether the answers are judged class by class.

    Not those of language models and generated sequences, and not beyond `MOST_CLASSES` classes,
    whose matrix would cost more than the scoring.
    """
    outputs = dataset.outputs
    answered = dataset.shape in ("many_to_one", "many_to_many") and not is_language(dataset)
    return answered and isinstance(outputs, Tokens) and outputs.size <= MOST_CLASSES


def class_names(outputs: Tokens) -> tuple[str, ...]:
    """The names of the classes in the order of their ids, or the ids themselves."""
    return outputs.vocabulary.units if outputs.vocabulary else tuple(map(str, range(outputs.size)))


def absent_classes(dataset: Dataset) -> str | None:
    """A line for people where the test part lacks classes that the training part has."""
    outputs = dataset.outputs
    if not counts_confusions(dataset) or not isinstance(outputs, Tokens):
        return None
    train, test = (
        np.bincount(dataset.split(name).targets[dataset.counted(name)], minlength=outputs.size)
        for name in ("train", "test")
    )
    absent = np.flatnonzero((train > 0) & (test == 0))
    if not len(absent):
        return None
    names = ", ".join(repr(class_names(outputs)[i]) for i in absent[:MOST_NAMED])
    more = ", ..." if len(absent) > MOST_NAMED else ""
    return f"the test part lacks {len(absent)} of {np.count_nonzero(train)} classes: {names}{more}"


def confusion_of(target_M: Ints, answer_M: Ints, classes: int) -> Ints:
    """(O, O) how often the class of the row was answered with the class of the column."""
    pairs = np.bincount(target_M * classes + answer_M, minlength=classes**2)
    return pairs.reshape(classes, classes)


def macro_f1(confusion_OO: Ints) -> float:
    """Mean F1 over the classes that occur among the targets or the answers, each counting the same.

    F1 is the harmonic mean of precision and recall: 2 right / (targets + answers) of the class.
    """
    occurring = confusion_OO.sum(axis=0) + confusion_OO.sum(axis=1)
    f1 = 2 * confusion_OO.diagonal()[occurring > 0] / occurring[occurring > 0]
    return float(f1.mean())


@dataclass(frozen=True)
class ClassScore:
    """One class in a split: how many targets are of it, and how well they were found.

    precision: share of its answers that are right; recall: share of its targets that were found.
    None where it is a share of nothing.
    """

    name: str
    support: int
    precision: float | None
    recall: float | None
    f1: float | None

    def to_json(self) -> dict[str, Any]:
        """An object under the key `class`."""
        values = asdict(self)
        return {"class": values.pop("name"), **values}


def class_scores(confusion_OO: Ints, names: tuple[str, ...]) -> list[ClassScore]:
    """Every class, in the order of the ids."""
    right, answers, targets = (
        counts.tolist()
        for counts in (
            confusion_OO.diagonal(),
            confusion_OO.sum(axis=0),
            confusion_OO.sum(axis=1),
        )
    )
    return [
        ClassScore(
            name,
            targets[i],
            _share(right[i], answers[i]),
            _share(right[i], targets[i]),
            _share(2 * right[i], targets[i] + answers[i]),
        )
        for i, name in enumerate(names)
    ]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
