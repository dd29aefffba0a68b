"""What a split of an experiment is scored with: metrics, baselines, classes, columns, intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnexp.data.dataset import Dataset, Tokens
from rnnexp.tasks.baselines import baselines
from rnnexp.tasks.confusion import ClassScore, class_names, class_scores
from rnnexp.tasks.language import is_language
from rnnexp.tasks.scores import Intervals, column_scores
from rnnexp.training.evaluation import Answers, Evaluation
from rnnexp.training.experiment import Experiment

__all__ = ["SplitScore", "score_split"]

MOST_CLASSES_SHOWN = 200


@dataclass(frozen=True)
class NumberScore:
    """What a regression has besides metrics and baselines.

    intervals: from the residuals of the validation part; coverage: which share of this split's
    targets lies within each. columns: the errors of each column, where several are predicted.
    mase_period: steps back that the naive forecast of `mase` looks.
    """

    intervals: Intervals
    coverage: Mapping[str, float]
    columns: Mapping[str, Mapping[str, float | None]]
    mase_period: int | None

    def to_json(self) -> dict[str, Any]:
        """Keys of summary.json and of `evaluate --json`."""
        return {
            **({"mase_period": self.mase_period} if self.mase_period else {}),
            **({"columns": dict(self.columns)} if self.columns else {}),
            "residual_quantiles": self.intervals.to_json(),
            "coverage": dict(self.coverage),
        }


@dataclass(frozen=True)
class SplitScore:
    """A network on one split, beside the naive answers.

    metrics, baselines: named as `test/accuracy`. evaluation: where they come from, with every
    answer but those of language models. classes: each one's score, of up to 200 classes.
    """

    metrics: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]]
    evaluation: Evaluation
    numbers: NumberScore | None
    classes: Sequence[ClassScore]

    def details(self) -> dict[str, Any]:
        """What `numbers` has for JSON; empty for classes."""
        return self.numbers.to_json() if self.numbers else {}

    def class_table(self) -> list[dict[str, Any]]:
        """One object for JSON a class."""
        return [score.to_json() for score in self.classes]


def score_split(experiment: Experiment, split: str) -> SplitScore:
    """Score a split with the network as it is."""
    dataset = experiment.dataset
    evaluation = experiment.evaluate(split, keep_answers=not is_language(dataset))
    named = baselines(dataset, split)
    return SplitScore(
        metrics=_prefixed(split, evaluation.metrics),
        baselines={name: _prefixed(split, values) for name, values in named.items()},
        evaluation=evaluation,
        numbers=_number_score(experiment, evaluation.answers),
        classes=_class_scores(dataset, evaluation),
    )


def _number_score(experiment: Experiment, given: Answers | None) -> NumberScore | None:
    dataset = experiment.dataset
    if given is None or isinstance(dataset.outputs, Tokens):
        return None
    answers, intervals = given.valid(), _intervals(experiment)
    several = dataset.outputs.size > 1
    return NumberScore(
        intervals,
        intervals.coverage(answers.target, answers.prediction),
        column_scores(dataset, answers.target, answers.prediction) if several else {},
        None if dataset.naive_mae is None else dataset.season or 1,
    )


def _intervals(experiment: Experiment) -> Intervals:
    answers = experiment.evaluate("val", keep_answers=True).answers
    assert answers is not None
    missed = answers.valid()
    return Intervals.fit(missed.target - missed.prediction)


def _class_scores(dataset: Dataset, evaluation: Evaluation) -> Sequence[ClassScore]:
    outputs = dataset.outputs
    if evaluation.class_counts is None or outputs.size > MOST_CLASSES_SHOWN:
        return ()
    assert isinstance(outputs, Tokens)
    return class_scores(evaluation.class_counts, class_names(outputs))


def _prefixed(split: str, metrics: Mapping[str, float]) -> dict[str, float]:
    """`rmse` -> `test/rmse`."""
    return {f"{split}/{name}": value for name, value in metrics.items()}
