"""Which task shapes and targets each data source can serve: the table, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from rnnexp.config.data_settings import (
    Adding,
    AirlinePassengers,
    ColumnSeries,
    Conllu,
    CopyMemory,
    Csv,
    CsvRows,
    Data,
    DelayedEcho,
    Digits,
    Folder,
    Idx,
    Images,
    Jsonl,
    Npz,
    Pairs,
    Parquet,
    ParquetRows,
    PythonDocs,
    Records,
    ReversedAddition,
    Running,
    SineMixture,
    Sunspots,
    TemporalOrder,
    Text,
    Waveforms,
)
from rnnexp.config.schema import Experiment
from rnnexp.config.task_settings import ManyToMany, ManyToOne, OneToMany, Task
from rnnexp.errors import ConfigError

__all__ = [
    "Shape",
    "compares_texts",
    "is_stream",
    "reads_an_image",
    "shape_of",
    "shapes_of",
    "steps_of",
    "target_of",
    "target_unit_of",
    "token_inputs",
]

Shape = Literal["many_to_one", "one_to_many", "many_to_many", "delayed"]
"""the task kind, and many_to_many twice: aligned and delayed"""
Target = Literal["regression", "classification"]
Shapes = Mapping[str, tuple[Target, ...]]

TEXT_UNITS = ("label", "word", "bpe")

_SERIES: Shapes = {"many_to_one": ("regression",), "many_to_many": ("regression",)}
_EVERYTHING: tuple[Target, ...] = ("regression", "classification")

_SHAPES: Mapping[type, Shapes] = {
    Csv: _SERIES,
    Parquet: _SERIES,
    Sunspots: _SERIES,
    AirlinePassengers: _SERIES,
    SineMixture: _SERIES,
    Text: {"many_to_many": ("classification",)},
    PythonDocs: {"many_to_many": ("classification",)},
    Jsonl: dict.fromkeys(("many_to_one", "one_to_many", "many_to_many"), _EVERYTHING),
    CsvRows: dict.fromkeys(("many_to_one", "one_to_many", "many_to_many"), _EVERYTHING),
    ParquetRows: dict.fromkeys(("many_to_one", "one_to_many", "many_to_many"), _EVERYTHING),
    Folder: {"many_to_one": ("classification",), "one_to_many": ("classification",)},
    Pairs: {"many_to_many": ("classification",)},
    Conllu: {"many_to_many": ("classification",)},
    Npz: dict.fromkeys(("many_to_one", "one_to_many", "many_to_many"), _EVERYTHING),
    Images: {"one_to_many": ("classification",)},
    Adding: {"many_to_one": ("regression",)},
    CopyMemory: {"many_to_many": ("classification",)},
    DelayedEcho: {"many_to_many": ("classification",)},
    ReversedAddition: {"many_to_many": ("classification",)},
    TemporalOrder: dict.fromkeys(("many_to_one", "many_to_many"), ("classification",)),
    Waveforms: {"one_to_many": ("regression",)},
}


def shapes_of(data: Data) -> Shapes:
    """Task kind -> targets that a data source can serve."""
    if isinstance(data, Digits | Idx):
        kind = "one_to_many" if data.view == "image" else "many_to_one"
        return {kind: ("classification",)}
    if isinstance(data, Running):
        return {"many_to_many": ("classification" if data.operation == "parity" else "regression",)}
    return _SHAPES[type(data)]


def shape_of(task: Task) -> Shape:
    """The shape of a task."""
    delayed = isinstance(task, ManyToMany) and task.alignment == "delayed"
    return "delayed" if delayed else task.kind


def target_unit_of(experiment: Experiment) -> str | None:
    """The unit of the targets of records, where the config tells; delayed: that of the inputs."""
    data = experiment.data
    if not isinstance(data, Records):
        return None
    if data.target_unit is None and shape_of(experiment.task) == "delayed":
        return data.unit
    return data.target_unit


def compares_texts(experiment: Experiment) -> bool:
    """Whether what is written is compared with the truth as text, by BLEU and chrF."""
    delayed = shape_of(experiment.task) == "delayed"
    return delayed and target_unit_of(experiment) in TEXT_UNITS


def target_of(experiment: Experiment) -> Target:
    """Regression or classification: as written, or as it follows from the data.

    Raises ConfigError where neither says it.
    """
    task, data = experiment.task, experiment.data
    if task.target is not None:
        return task.target
    possible = shapes_of(data).get(task.kind) or next(iter(shapes_of(data).values()))
    found: Target | None = possible[0]
    if isinstance(data, Records) and len(possible) > 1:
        found = _of_objects(task, data)
    if found is None:
        raise ConfigError(
            "regression or classification? the data does not tell",
            code="CFG204",
            key="task.target",
            allowed="regression, classification",
        )
    return found


def _of_objects(task: Task, data: Records) -> Target | None:
    """The target of a JSONL file, from its units, where they tell."""
    if shape_of(task) == "delayed":
        return "classification"
    if data.target_unit is not None:
        return "regression" if data.target_unit == "number" else "classification"
    if data.classes is not None or (isinstance(task, ManyToOne) and task.class_weights):
        return "classification"
    if data.unit == "number" or task.loss is not None:
        return "regression"
    return "classification" if task.kind == "many_to_many" else None


def is_stream(experiment: Experiment) -> bool:
    """Whether the examples follow each other without a gap, as windows of one stream."""
    data = experiment.data
    if isinstance(data, Text | PythonDocs):
        return True
    if isinstance(data, ColumnSeries) and data.id is not None:
        return False
    return _predicts_itself(experiment)


def predicts_next(experiment: Experiment) -> bool:
    """Whether the target of a step is a later input, which a backward direction would see."""
    return is_stream(experiment) or _predicts_itself(experiment)


def _predicts_itself(experiment: Experiment) -> bool:
    """Whether every step of a time series has the next one as its target."""
    series = _SHAPES.get(type(experiment.data)) is _SERIES
    return series and experiment.task.kind == "many_to_many"


def token_inputs(experiment: Experiment) -> bool:
    """Whether the recurrent layers read tokens, rather than numbers."""
    data = experiment.data
    if isinstance(experiment.task, OneToMany):
        return target_of(experiment) == "classification"
    if isinstance(data, Records):
        return data.unit != "number"
    if isinstance(data, Running):
        return data.operation == "parity"
    tokens = Text | PythonDocs | CopyMemory | DelayedEcho | TemporalOrder | ReversedAddition
    return isinstance(data, tokens)


def reads_an_image(experiment: Experiment) -> bool:
    """Whether a sequence is generated from an image."""
    data = experiment.data
    return isinstance(data, Images) or (isinstance(data, Digits | Idx) and data.view == "image")


def steps_of(data: Data) -> int | None:
    """T, where the config alone tells it."""
    if isinstance(data, Digits):
        return {"rows": 8, "pixels": 64}.get(data.view)
    if isinstance(data, CopyMemory):
        return data.delay + 2 * data.symbols
    if isinstance(data, Adding | TemporalOrder | DelayedEcho | Running | Waveforms):
        return data.length
    if isinstance(data, Records | Idx | ReversedAddition):
        return None
    return data.window
