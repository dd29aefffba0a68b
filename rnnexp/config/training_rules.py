"""Checks across fields: the training loop."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

from rnnexp.config.compatibility import compares_texts, is_stream, shape_of, steps_of, target_of
from rnnexp.config.config import Config
from rnnexp.config.data_settings import PythonDocs, Records, Series, Text
from rnnexp.config.rules import CONTRADICTION, NO_EFFECT, Finding, checked
from rnnexp.config.training_settings import Checkpointed, Plateau, Sgd, StepDecay, Truncated
from rnnexp.errors import nearest

__all__ = ["monitored_metrics"]

Findings = Iterator[Finding]


@checked
def one_clip(config: Config) -> Findings:
    clip = config.experiment.training.clip
    if clip is None:
        return
    given = [
        f"training.clip.{n}" for n in ("norm", "value", "auto") if getattr(clip, n) is not None
    ]
    allowed = "exactly one of norm, value, auto"
    if not given:
        hint = "write clip: null for no clipping"
        yield Finding(CONTRADICTION, "training.clip", "clips nothing", (), hint, allowed)
    if len(given) > 1:
        message = "more than one kind of clipping"
        yield Finding(CONTRADICTION, given[0], message, tuple(given[1:]), allowed=allowed)


@checked
def truncation_lengths(config: Config) -> Findings:
    bptt = config.experiment.training.bptt
    if isinstance(bptt, Truncated) and bptt.k2 < bptt.k1:
        message = "must be at least k1, or some losses would send no gradient back"
        yield Finding(CONTRADICTION, "training.bptt.k2", message, ("training.bptt.k1",))


@checked
def truncation_and_length(config: Config) -> Findings:
    experiment = config.experiment
    bptt, steps = experiment.training.bptt, steps_of(experiment.data)
    if not isinstance(bptt, Truncated) or steps is None:
        return
    keys, key = _length_keys(config), "training.bptt.k1"
    if bptt.k1 > steps:
        message = f"longer than the sequences, which have {steps} steps: nothing is truncated"
        yield Finding(NO_EFFECT, key, message, keys, hint="write bptt: full")
    elif experiment.task.kind == "many_to_one" and bptt.k1 < steps:
        message = (
            f"the only target comes after {steps} steps, so updates before it would have no loss"
        )
        yield Finding(CONTRADICTION, key, message, (*keys, "task.kind"), hint="write bptt: full")


@checked
def segments_and_length(config: Config) -> Findings:
    experiment = config.experiment
    bptt, steps = experiment.training.bptt, steps_of(experiment.data)
    if isinstance(bptt, Checkpointed) and steps is not None and bptt.checkpoint_every >= steps:
        message = f"the sequences have {steps} steps, so nothing is computed again"
        key, hint = "training.bptt.checkpoint_every", f"about {isqrt(steps)}, or bptt: full"
        yield Finding(NO_EFFECT, key, message, _length_keys(config), hint=hint)


@checked
def one_dropout_mask_per_sequence(config: Config) -> Findings:
    bptt, key = config.experiment.training.bptt, "model.recurrent_dropout"
    if isinstance(bptt, Checkpointed) and config.experiment.model.recurrent_dropout:
        message = "one mask holds for a whole sequence, and each segment would draw its own"
        because = ("training.bptt.checkpoint_every",)
        yield Finding(CONTRADICTION, key, message, because, hint="write bptt: full")


def _length_keys(config: Config) -> tuple[str, ...]:
    """The keys that set T."""
    data = config.experiment.data
    names = [n for n in ("window", "length", "view", "delay") if n in type(data).model_fields]
    return (f"data.{names[0]}",)


@checked
def carried_state(config: Config) -> Findings:
    experiment = config.experiment
    bptt = experiment.training.bptt
    if isinstance(bptt, Truncated) and bptt.carry_state and not is_stream(experiment):
        yield Finding(
            CONTRADICTION,
            "training.bptt.carry_state",
            "the examples are independent; only windows of one stream carry a state",
            ("data.source", "task.kind"),
            allowed="text, python_docs, or a time series with many_to_many",
        )


@checked
def accumulation(config: Config) -> Findings:
    training = config.experiment.training
    if training.accumulate > 1 and isinstance(training.bptt, Truncated):
        message = "truncated BPTT updates every k1 steps and does not accumulate batches"
        yield Finding(CONTRADICTION, "training.accumulate", message, ("training.bptt",))


@checked
def nesterov(config: Config) -> Findings:
    optimizer = config.experiment.training.optimizer
    if isinstance(optimizer, Sgd) and optimizer.nesterov and optimizer.momentum == 0:
        key, other = "training.optimizer.nesterov", "training.optimizer.momentum"
        yield Finding(CONTRADICTION, key, "needs momentum > 0", (other,))


def monitored_metrics(config: Config) -> dict[str, str]:
    """The validation metrics of an experiment -> whether each is to fall (min) or to rise (max)."""
    experiment = config.experiment
    if target_of(experiment) == "regression":
        scaled = ("val/mase",) if isinstance(experiment.data, Series) else ()
        return dict.fromkeys(("val/loss", "val/mse", "val/rmse", "val/mae", *scaled), "min")
    metrics = {"val/loss": "min", "val/accuracy": "max"}
    if isinstance(experiment.data, Text | PythonDocs):
        metrics |= {"val/perplexity": "min", "val/bits_per_unit": "min"}
    elif shape_of(experiment.task) in ("many_to_one", "many_to_many"):
        metrics["val/macro_f1"] = "max"
    if shape_of(experiment.task) in ("one_to_many", "delayed"):
        metrics["val/exact_match"] = "max"
    if compares_texts(experiment):
        metrics |= {"val/bleu": "max", "val/chrf": "max"}
    return metrics


@checked
def monitor(config: Config) -> Findings:
    training, metrics = config.experiment.training, monitored_metrics(config)
    if training.monitor not in metrics:
        yield Finding(
            CONTRADICTION,
            "training.monitor",
            "no metric of this task is called so",
            ("task.kind",),
            allowed=", ".join(metrics),
            suggestion=_meant(training.monitor, list(metrics)),
        )
    elif training.mode is not None and training.mode != metrics[training.monitor]:
        direction = {"min": "fall", "max": "rise"}[metrics[training.monitor]]
        message = f"this metric is to {direction}"
        yield Finding(CONTRADICTION, "training.mode", message, ("training.monitor",))


def _meant(name: str, metrics: list[str]) -> str | None:
    """`val_loss`, `loss` or `train/loss` for `val/loss`."""
    bare = name.replace("_", "/", 1).rpartition("/")[2]
    return f"val/{bare}" if f"val/{bare}" in metrics else nearest(name, metrics)


@checked
def patience_within_epochs(config: Config) -> Findings:
    training, because = config.experiment.training, ("training.epochs",)
    stopping, schedule = training.early_stopping, training.schedule
    if stopping is not None and stopping.patience + 1 >= training.epochs:
        key = "training.early_stopping.patience"
        yield Finding(NO_EFFECT, key, "training ends before it could stop early", because)
    if isinstance(schedule, Plateau) and schedule.patience + 2 >= training.epochs:
        key = "training.schedule.patience"
        yield Finding(NO_EFFECT, key, "training ends before the learning rate could fall", because)
    if isinstance(schedule, StepDecay) and schedule.every >= training.epochs:
        key = "training.schedule.every"
        yield Finding(NO_EFFECT, key, "training ends before the first decay", because)


@checked
def one_dropout_mask_per_graph(config: Config) -> Findings:
    """Steps that are run again for k2 > k1 would get another mask than they had before."""
    bptt, model = config.experiment.training.bptt, config.experiment.model
    if not isinstance(bptt, Truncated) or bptt.k2 <= bptt.k1:
        return
    for name, what in (
        ("recurrent_dropout", "one mask holds for one truncated window"),
        ("dropout", "steps that are run again would drop other units"),
        ("input_dropout", "steps that are run again would read other inputs"),
        ("word_dropout", "steps that are run again would read other tokens"),
    ):
        if getattr(model, name):
            message = f"needs k2 = k1: {what}"
            yield Finding(CONTRADICTION, f"model.{name}", message, ("training.bptt.k2",))


@checked
def label_smoothing_of_classes(config: Config) -> Findings:
    experiment = config.experiment
    if experiment.training.label_smoothing and target_of(experiment) != "classification":
        message = "no effect: the targets are numbers, not classes"
        yield Finding(NO_EFFECT, "training.label_smoothing", message, ("task.target",))


@checked
def warmup_within_steps(config: Config) -> Findings:
    training, key = config.experiment.training, "training.schedule.warmup_steps"
    if training.max_steps is not None and 0 < training.max_steps <= training.schedule.warmup_steps:
        message = "training would end before the warm-up does"
        yield Finding(CONTRADICTION, key, message, ("training.max_steps",))


@checked
def known_length_of_objects(config: Config) -> Findings:
    """Truncation needs a target at more than the last step."""
    experiment = config.experiment
    if not isinstance(experiment.training.bptt, Truncated) or not isinstance(
        experiment.data, Records
    ):
        return
    if experiment.task.kind == "many_to_one":
        message = "the only target comes at the end, so updates before it would have no loss"
        yield Finding(
            CONTRADICTION, "training.bptt", message, ("task.kind",), hint="write bptt: full"
        )


@checked
def teacher_forcing(config: Config) -> Findings:
    experiment, key = config.experiment, "training.teacher_forcing"
    if experiment.training.teacher_forcing is None:
        return
    bptt = experiment.training.bptt
    delayed = shape_of(experiment.task) == "delayed"
    if experiment.model.recurrence == "hidden_to_hidden" and not delayed:
        message = "nothing to force: no output is fed back"
        yield Finding(NO_EFFECT, key, message, ("model.recurrence",))
    if experiment.task.kind == "many_to_one":
        message = "there is one answer, so no step has a previous one to read"
        yield Finding(CONTRADICTION, key, message, ("task.kind",))
    if isinstance(bptt, Truncated) and bptt.k2 > bptt.k1:
        message = "needs k2 = k1: steps that are run again would toss other coins"
        yield Finding(CONTRADICTION, key, message, ("training.bptt.k2",))


@checked
def schedule_of_teacher_forcing(config: Config) -> Findings:
    forcing, key = config.experiment.training.teacher_forcing, "training.teacher_forcing"
    if forcing is None:
        return
    if (forcing.end is None) != (forcing.epochs is None):
        given, missing = ("end", "epochs") if forcing.epochs is None else ("epochs", "end")
        message = f"needs {missing} beside it"
        yield Finding(CONTRADICTION, f"{key}.{given}", message, (f"{key}.{missing}",))
    elif forcing.end is not None and forcing.end == forcing.start:
        message = "the share does not move: it is what start is"
        yield Finding(NO_EFFECT, f"{key}.end", message, (f"{key}.start",))
    elif forcing.epochs is not None and forcing.epochs > config.experiment.training.epochs:
        message = "training ends before the share has moved to its end"
        yield Finding(CONTRADICTION, f"{key}.epochs", message, ("training.epochs",))
    delayed = shape_of(config.experiment.task) == "delayed"
    if delayed and forcing.start == 1 and forcing.end is None:
        message = "forces every step, as a decoder does anyway"
        hint = "leave teacher_forcing out, or write end and epochs"
        yield Finding(NO_EFFECT, f"{key}.start", message, ("task.alignment",), hint=hint)
    if forcing.start == 0 and not forcing.end and not delayed:
        message = "forces no step"
        yield Finding(NO_EFFECT, f"{key}.start", message, (), hint="leave teacher_forcing out")
