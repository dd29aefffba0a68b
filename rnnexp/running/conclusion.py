"""What a run folder gets once training has ended: the test score, tables, predictions, pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.loading import settings_of
from rnnexp.data.dataset import Dataset, Tokens
from rnnexp.inference.forecast import intervals_of
from rnnexp.reading import read_json
from rnnexp.recording.run_folder import TRIAL, RunFolder
from rnnexp.running.scoring import SplitScore, score_split
from rnnexp.tasks.confusion import confusion_of
from rnnexp.tasks.scores import Intervals
from rnnexp.training.evaluation import Answers
from rnnexp.training.experiment import Experiment
from rnnexp.training.interrupt import stop_if_asked
from rnnexp.training.trainer import Outcome

__all__ = ["REPRODUCES", "conclude", "prediction_records"]


# What stands in predictions.jsonl: every answer to a split beside its target.
#
# Numbers are one record a target. Classes and generated sequences are one record an example, with
# the names that the vocabulary knows.

PredictionsRecord = dict[str, Any]
Ints = NDArray[np.int64]

INTERVAL = 95
"""the level of `low` and `high` in per cent"""
PROBABILITY_DIGITS = 6


def prediction_records(
    answers: Answers, dataset: Dataset, split: str, intervals: Intervals | None = None
) -> Iterator[PredictionsRecord]:
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
) -> Iterator[PredictionsRecord]:
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
) -> Iterator[PredictionsRecord]:
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
) -> Iterator[PredictionsRecord]:
    """One record an example; its steps stand together in `answers`."""
    firsts = np.flatnonzero(np.diff(answers.rows, prepend=-1))
    for start, stop in zip(firsts, [*firsts[1:], len(answers.rows)], strict=True):
        counted = answers.counted[start:stop]
        target, prediction = answers.target[start:stop][counted], answers.prediction[start:stop]
        record: PredictionsRecord = {"example": int(origin[answers.rows[start]])}
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


# What a run folder gets once training has ended: the test score, tables, predictions, pictures.

Record = Mapping[str, Any]
REPRODUCES = "reproduces"
"""in status.json: the run that this one was to come out like"""
CURVE_POINTS = 32


def conclude(
    run: RunFolder, experiment: Experiment, outcome: Outcome
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score the test split once with the best weights and write everything down.

    The summary, as in summary.json, and one object a class, as in classes.json.
    """
    test = score_split(experiment, "test")
    trial = read_json(run.path / TRIAL)
    predictions = _predictions(experiment, test)
    if predictions:
        run.write_text(
            "predictions.jsonl", "".join(json.dumps(line) + "\n" for line in predictions)
        )
    records = _records(run)
    _write_classes(run, test)
    stop_if_asked()
    if trial is None:
        _draw(run, experiment, test, predictions, records)
    stop_if_asked()
    _write_intervals(run, experiment)
    stop_if_asked()
    summary = _summary(run, experiment, outcome, test, records)
    summary |= {"trial": trial} if trial is not None else {}
    if original := run.status().get(REPRODUCES):
        summary |= {REPRODUCES: original}
    run.write_json("summary.json", summary)
    run.log(f"stopped by {outcome.stopped_by} after step {outcome.steps}")
    return summary, test.class_table()


def _summary(
    run: RunFolder,
    experiment: Experiment,
    outcome: Outcome,
    test: SplitScore,
    records: Sequence[Record],
) -> dict[str, Any]:
    settings = experiment.config.experiment
    return {
        "name": settings.name,
        "run": str(run.path),
        "status": "finished",
        "stopped_by": outcome.stopped_by,
        "steps": outcome.steps,
        "epochs": outcome.epochs,
        "seconds": round(outcome.seconds, 3),
        "parameters": sum(layer.parameters for layer in experiment.layers),
        "best_step": outcome.best_step,
        "monitor": settings.training.monitor,
        "metrics": {**outcome.best_metrics, **test.metrics},
        "baselines": dict(test.baselines),
        **test.details(),
        "curve": _thinned(records),
        "settings": settings_of(experiment.config),
    }


def _records(run: RunFolder) -> list[dict[str, Any]]:
    with (run.path / "metrics.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _thinned(records: Sequence[Record]) -> list[float]:
    """The validation loss over the run, in at most 32 numbers; the training loss of a short one."""
    found = [[r[name] for r in records if name in r] for name in ("val/loss", "train/loss")]
    values = found[0] if len(found[0]) > 2 else max(found, key=len)
    places = np.linspace(0, len(values) - 1, min(len(values), CURVE_POINTS)).round().astype(int)
    return [values[place] for place in places]


def _predictions(experiment: Experiment, test: SplitScore) -> list[dict[str, Any]]:
    if test.evaluation.records:
        return [dict(record) for record in test.evaluation.records]
    answers = test.evaluation.answers
    if answers is None:
        return []
    intervals = test.numbers.intervals if test.numbers else None
    return list(prediction_records(answers, experiment.dataset, "test", intervals))


def _write_classes(run: RunFolder, test: SplitScore) -> None:
    """Where there are few enough classes: each one's scores, and who is taken for whom."""
    if not test.classes:
        return
    assert test.evaluation.answers is not None
    answers, names = test.evaluation.answers.valid(), [score.name for score in test.classes]
    confusion = confusion_of(answers.target, answers.prediction, len(names))
    run.write_json("classes.json", {"split": "test", "classes": test.class_table()})
    matrix = {"split": "test", "classes": names, "matrix": confusion.tolist()}
    run.write_json("confusion.json", matrix)


def _draw(
    run: RunFolder,
    experiment: Experiment,
    test: SplitScore,
    predictions: Sequence[Record],
    records: Sequence[Record],
) -> None:
    """The pictures under plots/."""
    from rnnexp.reports import plots

    if test.classes:
        confusion = read_json(run.path / "confusion.json") or {}
        picture = plots.confusion_plot(confusion["classes"], np.array(confusion["matrix"]))
        run.write_bytes("plots/confusion.png", picture)
    _draw_attention(run, experiment, test)
    stop_if_asked()
    run.write_bytes("plots/loss.png", plots.loss_plot(records))
    run.write_bytes("plots/gradient.png", plots.gradient_plot(records))
    metrics = {name for record in records for name in record if name.startswith("val/")}
    for name in sorted(metrics - {"val/loss"}):
        stop_if_asked()
        file_name = name.removeprefix("val/")
        run.write_bytes(f"plots/{file_name}.png", plots.metric_plot(records, name))
    if test.numbers is not None:
        quantiles = test.numbers.intervals.to_json()
        run.write_bytes("plots/forecast.png", plots.forecast_plot(predictions, quantiles))


def _draw_attention(run: RunFolder, experiment: Experiment, test: SplitScore) -> None:
    """Which steps of the source each written token read, of the first targets."""
    inputs, split = experiment.dataset.inputs, experiment.dataset.test
    names = inputs.vocabulary if isinstance(inputs, Tokens) else None
    for record in test.evaluation.records:
        if "attention" not in record or names is None:
            continue
        from rnnexp.reports import plots

        stop_if_asked()
        row, weights_TS = record["index"], np.array(record["attention"])
        ids = split.inputs[row, : weights_TS.shape[1]]
        source = names.decode((ids[:, 0] if ids.ndim > 1 else ids).tolist())
        picture = plots.attention_plot(weights_TS, source, record["tokens"])
        run.write_bytes(f"plots/attention-{row}.png", picture)


def _write_intervals(run: RunFolder, experiment: Experiment) -> None:
    """How far off free-running forecasts of the validation part are, where series are forecast."""
    found = intervals_of(experiment.config, experiment.network.eval(), experiment.dataset)
    if found is not None:
        run.write_json("intervals.json", found)
