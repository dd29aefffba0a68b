"""What must hold between config and data before the first step."""

from __future__ import annotations

import numpy as np

from rnnexp.config.config import Config
from rnnexp.config.task_settings import ManyToOne
from rnnexp.config.training_settings import Checkpointed, Truncated
from rnnexp.data.dataset import Dataset, Image, Tokens, Words
from rnnexp.data.splits import SPLITS
from rnnexp.errors import DataError

__all__ = ["check"]

WITHOUT = {
    "train": "would train 0 steps",
    "val": "no checkpoint could be chosen",
    "test": "nothing could be scored at the end",
}


def check(config: Config, dataset: Dataset) -> None:
    """Hold the config against the finished data set.

    Raises:
        DataError: they do not fit each other.
    """
    _check_splits(config, dataset)
    _check_finite(config, dataset)
    _check_input_size(config, dataset)
    _check_image_size(config, dataset)
    _check_classes(config, dataset)
    _check_class_weights(config, dataset)
    _check_word_dropout(config, dataset)
    _check_truncation(config, dataset)
    _check_streams(config, dataset)
    _check_season(config, dataset)
    _check_monitor(config, dataset)


def _check_splits(config: Config, dataset: Dataset) -> None:
    for name in SPLITS:
        if not len(dataset.split(name)):
            raise DataError(
                f"the {name} split has 0 examples: {WITHOUT[name]}",
                code="DAT142",
                position=config.where(f"data.split.{name}"),
                key=f"data.split.{name}",
                hint=f"more data, or a larger data.split.{name}",
            )


def _check_finite(config: Config, dataset: Dataset) -> None:
    """Scaling can overflow where a value lies far outside the training part's range."""
    for name in SPLITS:
        split = dataset.split(name)
        for kind, values in (("inputs", split.inputs), ("targets", split.targets)):
            if values.dtype == np.float32 and not np.isfinite(values).all():
                raise DataError(
                    f"{name} {kind} overflow float32 once scaled by the training part",
                    code="DAT116",
                    position=config.where("data.scale"),
                    key="data.scale",
                )


def _check_input_size(config: Config, dataset: Dataset) -> None:
    given, inputs = config.experiment.model.input_size, dataset.inputs
    if not isinstance(inputs, Tokens):
        size, what = inputs.size, f"features per step in the data: {inputs.size}"
    else:
        model = config.experiment.model
        size = model.embedding or inputs.size
        if model.characters is not None and isinstance(inputs, Words):
            size += 2 * model.characters.hidden_size
        what = f"token ids in the data: {inputs.size}, which makes {size} inputs per step"
    if given not in (None, size):
        position = config.where("data.path" if hasattr(config.experiment.data, "path") else "data")
        raise DataError(
            f"model.input_size is {given}; {what} (named at {position})",
            code="DAT144",
            position=config.where("model.input_size"),
            key="model.input_size",
            value=given,
            allowed=str(size),
        )


def _check_image_size(config: Config, dataset: Dataset) -> None:
    """Every convolution halves height and width, and something must be left."""
    encoder, image = config.experiment.model.image_encoder, dataset.inputs
    if encoder is None or not isinstance(image, Image):
        return
    most = min(image.height, image.width).bit_length() - 1
    if len(encoder.channels) > most:
        raise DataError(
            f"{len(encoder.channels)} convolutions, each halving height and width, leave nothing "
            f"of images of {image.height} x {image.width}",
            code="DAT241",
            position=config.where("model.image_encoder.channels"),
            key="model.image_encoder.channels",
            value=list(encoder.channels),
            allowed=f"at most {most}",
        )


def _check_classes(config: Config, dataset: Dataset) -> None:
    if isinstance(dataset.outputs, Tokens) and dataset.outputs.size < 2:
        raise DataError(
            "the targets have a single class: there is nothing to tell apart",
            code="DAT147",
            position=config.where("data"),
            key="data",
        )


def _check_class_weights(config: Config, dataset: Dataset) -> None:
    task = config.experiment.task
    weights = task.class_weights if isinstance(task, ManyToOne) else None
    if not isinstance(weights, tuple) or len(weights) == dataset.outputs.size:
        return
    vocabulary = dataset.outputs.vocabulary if isinstance(dataset.outputs, Tokens) else None
    names = f": {', '.join(vocabulary.units[:20])}" if vocabulary else ""
    raise DataError(
        f"{len(weights)} class weights for {dataset.outputs.size} classes{names}",
        code="DAT145",
        position=config.where("task.class_weights"),
        key="task.class_weights",
        value=weights,
    )


def _check_word_dropout(config: Config, dataset: Dataset) -> None:
    """A token that is dropped is read as the unknown one."""
    read, key = dataset.read, "model.word_dropout"
    vocabulary = read.vocabulary if isinstance(read, Tokens) else None
    if config.experiment.model.word_dropout and (vocabulary is None or vocabulary.unknown is None):
        raise DataError(
            "the tokens of these data have no unknown one to be read in place of another",
            code="DAT261",
            position=config.where(key),
            key=key,
            hint="model.input_dropout drops parts of the embedding instead",
        )


def _check_truncation(config: Config, dataset: Dataset) -> None:
    truncated = config.experiment.training.bptt
    steps = dataset.time_steps
    if isinstance(truncated, Checkpointed) and truncated.checkpoint_every >= steps:
        raise DataError(
            f"the sequences are {steps:,} steps long, so nothing would be computed again",
            code="DAT146",
            position=config.where("training.bptt.checkpoint_every"),
            key="training.bptt.checkpoint_every",
            value=truncated.checkpoint_every,
            allowed=f"1..{steps - 1}",
            hint="bptt: full keeps everything",
        )
    if isinstance(truncated, Truncated) and truncated.k1 > steps:
        raise DataError(
            f"k1 is {truncated.k1:,}, but the sequences are {steps:,} steps long",
            code="DAT146",
            position=config.where("training.bptt.k1"),
            key="training.bptt.k1",
            value=truncated.k1,
            allowed=f"1..{steps}",
            hint="bptt: full goes back to the beginning",
        )
    if isinstance(truncated, Truncated) and truncated.k2 > steps and not truncated.carry_state:
        raise DataError(
            f"k2 is {truncated.k2:,}, but the sequences are {steps:,} steps long",
            code="DAT146",
            position=config.where("training.bptt.k2"),
            key="training.bptt.k2",
            value=truncated.k2,
            allowed=f"{truncated.k1}..{steps}",
            hint="only a carried state reaches back further than a sequence",
        )


def _check_streams(config: Config, dataset: Dataset) -> None:
    """A carried state has nothing to carry where every stream is a single window."""
    training, windows = config.experiment.training, len(dataset.train)
    carries = isinstance(training.bptt, Truncated) and training.bptt.carry_state
    if carries and windows < 2 * training.batch_size:
        raise DataError(
            f"{training.batch_size} parallel streams need at least two windows each to carry a"
            f" state over; the training part has {windows} windows",
            code="DAT140",
            position=config.where("training.bptt.carry_state"),
            key="training.bptt.carry_state",
            hint=f"training.batch_size={max(windows // 2, 1)} or a shorter data.window",
        )


def _check_season(config: Config, dataset: Dataset) -> None:
    """The seasonal baseline looks one season back, from the first step that is scored."""
    season = dataset.season
    if season is None:
        return
    origin = dataset.test.origin
    assert origin is not None
    if season > int(origin[0]):
        raise DataError(
            f"a season of {season:,} steps, but the test part begins at step {int(origin[0]):,}: "
            "there is no season before it to repeat",
            code="DAT148",
            position=config.where("data.season"),
            key="data.season",
            value=season,
            allowed=f"2..{int(origin[0])}, or null",
        )


def _check_monitor(config: Config, dataset: Dataset) -> None:
    """No checkpoint can be chosen by a metric that the data does not have."""
    if config.experiment.training.monitor != "val/mase" or dataset.naive_mae is not None:
        return
    raise DataError(
        "there is no mase of this series: in its training part the naive forecast is exact, or has"
        " no season to repeat",
        code="DAT158",
        position=config.where("training.monitor"),
        key="training.monitor",
        value="val/mase",
        suggestion="val/mae",
    )
