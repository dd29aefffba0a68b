"""Checks across fields: data and task."""

from __future__ import annotations

from collections.abc import Iterator

from rnnexp.config.compatibility import shapes_of, target_of
from rnnexp.config.config import Config
from rnnexp.config.finding import CONTRADICTION, NO_EFFECT, Finding, checked, is_written, value_of
from rnnexp.config.schema.data import DelayedEcho, Digits, Records, Split, TemporalOrder, TextCorpus
from rnnexp.config.schema.task import ManyToOne, Task
from rnnexp.errors import ConfigError

Findings = Iterator[Finding]


def shape_of_the_source(config: Config) -> Findings:
    experiment = config.experiment
    shapes = shapes_of(experiment.data)
    if experiment.task.kind not in shapes:
        because = ("data.source", *(("data.view",) if isinstance(experiment.data, Digits) else ()))
        message = "this data has another task shape"
        yield Finding(
            CONTRADICTION, "task.kind", message, because, allowed=", ".join(shapes),
            suggestion=next(iter(shapes)),
        )  # fmt: skip


def target_of_the_source(config: Config) -> Findings:
    experiment = config.experiment
    targets = shapes_of(experiment.data).get(experiment.task.kind)
    if targets and experiment.task.target not in (None, *targets):
        message, because = "this data has another target", ("data.source",)
        yield Finding(
            CONTRADICTION,
            "task.target",
            message,
            because,
            allowed=targets[0],
            suggestion=targets[0],
        )


@checked
def target_is_known(config: Config) -> Findings:
    try:
        target_of(config.experiment)
    except ConfigError as error:
        problem = error.problems[0]
        because = ("data.unit", "data.target_unit")
        yield Finding(
            problem.code, "task.target", problem.message, because, allowed=problem.allowed
        )


@checked
def target_unit(config: Config) -> Findings:
    experiment = config.experiment
    data, target = experiment.data, experiment.task.target
    if not isinstance(data, Records) or data.target_unit is None or target is None:
        return
    if (data.target_unit == "number") != (target == "regression"):
        message = "numbers are predicted by regression, everything else by classification"
        yield Finding(CONTRADICTION, "task.target", message, ("data.target_unit",))


@checked
def loss_of_a_regression(config: Config) -> Findings:
    task = config.experiment.task
    if task.loss is not None and target_of(config.experiment) == "classification":
        message = "no effect: classes are trained with cross-entropy"
        yield Finding(NO_EFFECT, "task.loss", message, ("task.target",))


@checked
def class_weights(config: Config) -> Findings:
    task, key = config.experiment.task, "task.class_weights"
    if not isinstance(task, ManyToOne) or task.class_weights is None:
        return
    if target_of(config.experiment) == "regression":
        yield Finding(NO_EFFECT, key, "no effect in a regression", ("task.target", "data.source"))
        return
    classes = _classes(config)
    if isinstance(task.class_weights, tuple) and classes not in (None, len(task.class_weights)):
        message = f"needs one weight per class: {classes}, not {len(task.class_weights)}"
        because = "data.classes" if isinstance(config.experiment.data, Records) else "data.source"
        yield Finding(CONTRADICTION, key, message, (because,))


def _classes(config: Config) -> int | None:
    data = config.experiment.data
    if isinstance(data, Records):
        return data.classes
    return {Digits: 10, TemporalOrder: 4}.get(type(data))


@checked
def split_shares(config: Config) -> Findings:
    split = getattr(config.experiment.data, "split", None)
    if not isinstance(split, Split):
        return
    shares = {name: getattr(split, name) for name in ("train", "val", "test")}
    if abs(sum(shares.values()) - 1) > 1e-9:
        message = f"the shares sum to {sum(shares.values()):.12g}, not 1"
        because = tuple(f"data.split.{name}" for name in shares)
        yield Finding(CONTRADICTION, "data.split", message, because)
    for name, share in shares.items():
        if share == 0:
            key = f"data.split.{name}"
            yield Finding(CONTRADICTION, key, "a split must not be empty", allowed="a number > 0")


@checked
def files_of_their_own(config: Config) -> Findings:
    data = config.experiment.data
    if not isinstance(data, Records):
        return
    given = [key for key in ("val_path", "test_path") if getattr(data, key) is not None]
    if len(given) == 1:
        other = "test_path" if given[0] == "val_path" else "val_path"
        message = f"needs data.{other} beside it: both files, or neither"
        yield Finding(CONTRADICTION, f"data.{given[0]}", message)
    for key in ("data.split", "data.split_seed") if given else ():
        if is_written(config, key):
            message = "no effect: validation and test have files of their own"
            yield Finding(NO_EFFECT, key, message, tuple(f"data.{name}" for name in given))


@checked
def numbers_of_objects(config: Config) -> Findings:
    """`scale` and `nan` are about numbers."""
    data = config.experiment.data
    if not isinstance(data, Records) or data.unit == "number":
        return
    if target_of(config.experiment) == "regression":
        return
    for name, idle in (("scale", data.scale == "none"), ("nan", data.nan == "error")):
        if is_written(config, f"data.{name}") and not idle:
            message = "no effect: neither inputs nor targets are numbers"
            yield Finding(NO_EFFECT, f"data.{name}", message, ("data.unit", "data.target_unit"))


@checked
def sizes_of_objects(config: Config) -> Findings:
    data = config.experiment.data
    if not isinstance(data, Records):
        return
    if data.vocabulary is not None and data.unit != "id":
        message = "no effect: only token ids have a size that is given"
        yield Finding(NO_EFFECT, "data.vocabulary", message, ("data.unit",))
    if data.classes is not None and target_of(config.experiment) == "regression":
        message = "no effect in a regression"
        yield Finding(NO_EFFECT, "data.classes", message, ("data.target_unit", "task.target"))


@checked
def pieces_of_byte_pairs(config: Config) -> Findings:
    """`unit: bpe` and `pieces` come together; the byte pairs of a text are no vocabulary to cut."""
    data, key = config.experiment.data, "data.pieces"
    if not isinstance(data, Records | TextCorpus):
        return
    units = ("data.unit", "data.target_unit") if isinstance(data, Records) else ("data.unit",)
    pairs = [unit for unit in units if value_of(config, unit) == "bpe"]
    if pairs and data.pieces is None:
        message = "byte pairs need a number of them"
        allowed = "a whole number from 257; 2000 to 16000 is common"
        yield Finding(CONTRADICTION, key, message, tuple(pairs), allowed=allowed)
    if data.pieces is not None and not pairs:
        message = "no effect: only byte pairs have a number that is given"
        yield Finding(NO_EFFECT, key, message, units)
    if pairs and isinstance(data, TextCorpus) and data.max_vocabulary is not None:
        message = "no effect: the number of byte pairs is data.pieces"
        yield Finding(NO_EFFECT, "data.max_vocabulary", message, tuple(pairs))


@checked
def steps_of_byte_pairs(config: Config) -> Findings:
    """How many byte pairs a text has is known once they are fitted: nothing is aligned with them,
    and one answer or one input is no text.
    """
    data, task = config.experiment.data, config.experiment.task
    if not isinstance(data, Records):
        return
    free = {
        "many_to_one": ("data.unit",),
        "one_to_many": ("data.target_unit",),
        "many_to_many": () if _is_aligned(task) else ("data.unit", "data.target_unit"),
    }[task.kind]
    for key in ("data.unit", "data.target_unit"):
        if value_of(config, key) == "bpe" and key not in free:
            message = "a text has as many byte pairs as it has, not one for each step of the other"
            if task.kind != "many_to_many":
                message = "there is one, and a text has many byte pairs"
            allowed = "number, id, label, character, word"
            yield Finding(CONTRADICTION, key, message, ("task.kind",), allowed=allowed)


def _is_aligned(task: Task) -> bool:
    return getattr(task, "alignment", "aligned") == "aligned"


@checked
def echo_within_the_sequence(config: Config) -> Findings:
    data = config.experiment.data
    if isinstance(data, DelayedEcho) and data.delay >= data.length:
        message = "must be shorter than the sequence, or nothing is echoed"
        yield Finding(CONTRADICTION, "data.delay", message, ("data.length",))
