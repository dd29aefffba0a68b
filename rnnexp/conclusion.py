"""What a run folder gets once training has ended: the test score, tables, predictions, pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnnexp.config.load import settings_of
from rnnexp.data.dataset import Tokens
from rnnexp.experiment import Experiment
from rnnexp.inference.intervals import intervals_of
from rnnexp.recording.run_folder import TRIAL, RunFolder
from rnnexp.recording.text_files import read_json
from rnnexp.scoring import SplitScore, score_split
from rnnexp.tasks.confusion import confusion_of
from rnnexp.training.interrupt import stop_if_asked
from rnnexp.training.predictions import prediction_records
from rnnexp.training.trainer import Outcome

__all__ = ["conclude"]

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
