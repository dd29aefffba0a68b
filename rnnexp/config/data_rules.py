"""Checks across fields: data and task."""

from __future__ import annotations

from collections.abc import Iterator

from rnnexp.config.compatibility import shapes_of, target_of
from rnnexp.config.config import Config
from rnnexp.config.data_settings import (
    ColumnSeries,
    DelayedEcho,
    Digits,
    Folder,
    Idx,
    Images,
    Npz,
    Pairs,
    Records,
    Split,
    SplitFiles,
    TemporalOrder,
    TextCorpus,
)
from rnnexp.config.rules import CONTRADICTION, NO_EFFECT, Finding, checked, is_written, value_of
from rnnexp.config.task_settings import ManyToOne, Task
from rnnexp.errors import ConfigError

__all__ = ["shape_of_the_source", "target_of_the_source"]

Findings = Iterator[Finding]
TEXTS = ("label", "character", "word")


def shape_of_the_source(config: Config) -> Findings:
    experiment = config.experiment
    shapes = shapes_of(experiment.data)
    if experiment.task.kind not in shapes:
        viewed = isinstance(experiment.data, Digits | Idx)
        because = ("data.source", *(("data.view",) if viewed else ()))
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
        data = config.experiment.data
        because = "classes" if isinstance(data, Records) else "source"
        because = f"data.{'words' if isinstance(data, Idx) else because}"
        yield Finding(CONTRADICTION, key, message, (because,))


def _classes(config: Config) -> int | None:
    data = config.experiment.data
    if isinstance(data, Records):
        return data.classes
    if isinstance(data, Idx):
        return len(data.words) if data.words else None
    return {Digits: 10, TemporalOrder: 4}.get(type(data))


@checked
def split_shares(config: Config) -> Findings:
    split = getattr(config.experiment.data, "split", None)
    if not isinstance(split, Split):
        return
    shares = {name: getattr(split, name) for name in ("train", "val", "test")}
    elsewhere = _test_elsewhere(config)
    off = split.train + split.val - 1 if elsewhere else sum(shares.values()) - 1
    if off > 1e-9 or (off < -1e-9 and not elsewhere):
        message = f"the shares sum to {sum(shares.values()):.12g}, not 1"
        because = tuple(f"data.split.{name}" for name in shares)
        yield Finding(CONTRADICTION, "data.split", message, because)
    for name, share in shares.items():
        key = f"data.split.{name}"
        if name == "test" and elsewhere:
            default = type(config.experiment.data).model_fields["split"].default
            if share not in (0, default.test) and is_written(config, key):
                message = "no effect: the test is not a share of the examples"
                yield Finding(NO_EFFECT, key, message, (elsewhere,), hint="write test: 0")
        elif share == 0:
            yield Finding(CONTRADICTION, key, "a split must not be empty", allowed="a number > 0")


def _test_elsewhere(config: Config) -> str | None:
    """The key that says where the test comes from, if it is no share of the examples."""
    data = config.experiment.data
    keys = (key for key in ("test_path", "folds") if getattr(data, key, None) is not None)
    return next((f"data.{key}" for key in keys), None)


@checked
def files_of_their_own(config: Config) -> Findings:
    data = config.experiment.data
    if not isinstance(data, SplitFiles | Pairs):
        return
    if data.val_path is not None and data.test_path is None:
        message = "needs data.test_path beside it"
        yield Finding(CONTRADICTION, "data.val_path", message)
    settled = data.val_path is not None and data.test_path is not None
    for key in ("data.split", "data.split_seed", "data.stratify") if settled else ():
        if is_written(config, key):
            message = "no effect: validation and test have files of their own"
            yield Finding(NO_EFFECT, key, message, ("data.val_path", "data.test_path"))


@checked
def files_of_pairs(config: Config) -> Findings:
    data = config.experiment.data
    if not isinstance(data, Pairs):
        return
    for part in ("val", "test"):
        keys = (f"{part}_path", f"{part}_target_path")
        given = [key for key in keys if getattr(data, key) is not None]
        if len(given) == 1:
            missing = keys[1] if given[0] == keys[0] else keys[0]
            message = f"needs data.{missing} beside it: the other side of the same lines"
            yield Finding(CONTRADICTION, f"data.{given[0]}", message)


@checked
def folds_of_cross_validation(config: Config) -> Findings:
    data = config.experiment.data
    if not isinstance(data, Records) or (data.folds is None and data.fold is None):
        return
    if data.folds is None or data.fold is None:
        given, missing = ("folds", "fold") if data.fold is None else ("fold", "folds")
        yield Finding(CONTRADICTION, f"data.{given}", f"needs data.{missing} beside it")
    elif data.fold >= data.folds:
        allowed = f"0..{data.folds - 1}"
        message = "there is no such fold"
        yield Finding(CONTRADICTION, "data.fold", message, ("data.folds",), allowed=allowed)
    if getattr(data, "test_path", None) is not None:
        message = "the test has a file of its own"
        yield Finding(CONTRADICTION, "data.folds", message, ("data.test_path",))


@checked
def columns_of_a_series(config: Config) -> Findings:
    data = config.experiment.data
    if not isinstance(data, ColumnSeries) or not data.inputs:
        return
    for name in data.inputs:
        if name in data.value_columns or data.inputs.count(name) > 1 or name == data.id:
            message = f"column {name!r} is read already"
            yield Finding(CONTRADICTION, "data.inputs", message, ("data.value", "data.id"))
            break
    if data.log:
        message = "the logarithm is taken of every number that is read, further columns included"
        yield Finding(CONTRADICTION, "data.log", message, ("data.inputs",))


@checked
def strata(config: Config) -> Findings:
    data, task = config.experiment.data, config.experiment.task
    if not isinstance(data, Records) or not data.stratify:
        return
    one = task.kind == "many_to_one" and target_of(config.experiment) == "classification"
    if not one and not (task.kind == "one_to_many" and isinstance(data, Folder)):
        message = "only examples with one class each can be shared out class by class"
        yield Finding(CONTRADICTION, "data.stratify", message, ("task.kind", "task.target"))


@checked
def texts_of_objects(config: Config) -> Findings:
    """`lowercase`, `max_vocabulary` and `min_count` are about the units of texts."""
    data, one = config.experiment.data, config.experiment.task.kind == "one_to_many"
    if not isinstance(data, Records):
        return
    texts = data.unit in TEXTS or (isinstance(data, Folder) and one)
    spelled = one and data.target_unit is None and not isinstance(data, Npz)
    if texts or data.target_unit in ("character", "word") or spelled:
        return
    for name in ("lowercase", "max_vocabulary", "min_count"):
        if is_written(config, f"data.{name}"):
            message = "no effect: nothing that is read here is text"
            yield Finding(NO_EFFECT, f"data.{name}", message, ("data.unit", "data.target_unit"))


@checked
def length_of_objects(config: Config) -> Findings:
    data, one = config.experiment.data, config.experiment.task.kind == "one_to_many"
    if isinstance(data, Records) and data.max_length is not None and one:
        message = "no effect: the input has no time steps"
        yield Finding(NO_EFFECT, "data.max_length", message, ("task.kind",))


@checked
def classes_of_a_folder(config: Config) -> Findings:
    data = config.experiment.data
    if isinstance(data, Folder) and data.target_unit is not None:
        message = "no effect: one side is the text, the other the name of its file or folder"
        yield Finding(NO_EFFECT, "data.target_unit", message, ("data.source",))


@checked
def captions(config: Config) -> Findings:
    data = config.experiment.data
    if isinstance(data, Images) and data.target_unit is not None:
        message = "no effect: data.unit is that of the captions"
        yield Finding(NO_EFFECT, "data.target_unit", message, ("data.source",))


@checked
def words_of_classes(config: Config) -> Findings:
    data = config.experiment.data
    if isinstance(data, Idx) and data.words and len(set(data.words)) < len(data.words):
        twice = next(word for word in data.words if data.words.count(word) > 1)
        message = f"two classes are called {twice!r}"
        yield Finding(CONTRADICTION, "data.words", message)


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
