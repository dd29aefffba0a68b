"""How well each class is found, and what it is taken for: counts, and the scores from them.

Shape letters: M targets, O classes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.data.dataset import Dataset, Tokens
from rnnexp.tasks.language import is_language

__all__ = [
    "ClassScore",
    "absent_classes",
    "class_counts",
    "class_names",
    "class_scores",
    "confusion_of",
    "judges_classes",
    "macro_f1",
]

Ints = NDArray[np.int64]

MOST_NAMED = 5


def judges_classes(dataset: Dataset) -> bool:
    """Whether answers are judged class by class: not of language models and generated sequences."""
    answered = dataset.shape in ("many_to_one", "many_to_many")
    return answered and isinstance(dataset.outputs, Tokens) and not is_language(dataset)


def class_names(outputs: Tokens) -> tuple[str, ...]:
    """The names of the classes in the order of their ids, or the ids themselves."""
    return outputs.vocabulary.units if outputs.vocabulary else tuple(map(str, range(outputs.size)))


def absent_classes(dataset: Dataset) -> str | None:
    """A line for people where the test part lacks classes that the training part has."""
    outputs = dataset.outputs
    if not judges_classes(dataset) or not isinstance(outputs, Tokens):
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


def class_counts(target_M: Ints, answer_M: Ints, classes: int) -> Ints:
    """(3, O) of each class the right answers, all answers and all targets; adds up over batches.

    Unlike the whole matrix they cost next to nothing, however many classes there are.
    """
    counted = (target_M[target_M == answer_M], answer_M, target_M)
    return np.stack([np.bincount(ids, minlength=classes) for ids in counted])


def confusion_of(target_M: Ints, answer_M: Ints, classes: int) -> Ints:
    """(O, O) how often the class of the row was answered with the class of the column."""
    pairs = np.bincount(target_M * classes + answer_M, minlength=classes**2)
    return pairs.reshape(classes, classes)


def macro_f1(counts_3O: Ints) -> float:
    """Mean F1 over the classes that occur among the targets or the answers, each counting the same.

    F1 is the harmonic mean of precision and recall: 2 right / (answers + targets) of the class.
    """
    right, answers, targets = counts_3O
    occurs = answers + targets > 0
    return float((2 * right[occurs] / (answers + targets)[occurs]).mean())


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


def class_scores(counts_3O: Ints, names: tuple[str, ...]) -> list[ClassScore]:
    """Every class, in the order of the ids."""
    return [
        ClassScore(
            name,
            targets,
            _share(right, answers),
            _share(right, targets),
            _share(2 * right, answers + targets),
        )
        for name, (right, answers, targets) in zip(names, counts_3O.T.tolist(), strict=True)
    ]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
