"""A file of new examples with their targets, encoded as the training data of a run were.

Shape letters: S steps, I input features, F predicted columns.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from rnnexp.config.compatibility import is_stream
from rnnexp.config.config import Config
from rnnexp.config.data_settings import (
    Conllu,
    CsvRows,
    Folder,
    Images,
    Jsonl,
    Pairs,
    ParquetRows,
    Records,
    Series,
    TextCorpus,
    Unit,
)
from rnnexp.data.dataset import Dataset, History, Image, Sequences, Spec, Values
from rnnexp.data.reading_files import open_given, read_given
from rnnexp.data.records.records import Part, sequences_of
from rnnexp.data.sources import conllu, csv_rows, folder, images, jsonl, pairs, parquet_rows
from rnnexp.data.splits import consecutive, joined, overlapping
from rnnexp.errors import CommandError, DataError, Position
from rnnexp.inference.forecast import SeriesReader
from rnnexp.inference.generation import TextModel
from rnnexp.inference.trained import Trained

__all__ = ["READABLE", "dataset_of_file"]

FILE = "FILE"
TARGETS = "--targets"
READABLE = (
    "csv, jsonl, csv_rows, parquet_rows, conllu, text, pairs, folder, images; tables and generated"
    " series as csv"
)


def dataset_of_file(trained: Trained, path: Path, targets: Path | None = None) -> Dataset:
    """The file as a data set, whole in each of its splits; nothing is fitted on it.

    For `folder` it is a folder, for `images` the table of captions, in the folder of the images.
    targets: for `pairs`, the file of the targets.

    Raises:
        CommandError: no such file, or the run's data are not read from files.
        DataError: it does not hold what the network reads and answers.
    """
    data, signature = trained.config.experiment.data, trained.signature
    history = None
    if isinstance(data, Series):
        split, history = _series(trained, data, path)
    elif isinstance(data, TextCorpus):
        split = _text(trained, data, path)
    elif isinstance(data, Records):
        split = _examples(trained, data, path, targets)
    else:
        raise _unreadable(trained)
    return Dataset(
        signature.source,
        signature.shape,
        split,
        split,
        split,
        signature.inputs,
        signature.outputs,
        consecutive=signature.shape == "many_to_many" and is_stream(trained.config.experiment),
        season=getattr(data, "season", None),
        history=history,
        record={"horizon": data.horizon} if isinstance(data, Series) else {},
        units=signature.units,
    )


def _series(trained: Trained, data: Series, path: Path) -> tuple[Sequences, History]:
    reader = SeriesReader(trained)
    table = reader.read(read_given(path, FILE))
    features_SI, answers_SF = reader.scale(table, data.window + data.horizon)
    cut = overlapping if trained.signature.shape == "many_to_one" else consecutive
    windows, begins = [], np.zeros(len(answers_SF), dtype=np.int64)
    for begin, stop in table.spans:
        own = features_SI[begin:stop], answers_SF[begin:stop]
        windows.append(cut(own[0], 0, stop - begin, data.window, data.horizon, own[1]))
        begins[begin:stop] = begin
    return joined(windows, table.begins), History(features_SI, begins, answers_SF.shape[1])


def _text(trained: Trained, data: TextCorpus, path: Path) -> Sequences:
    model = TextModel(trained)
    ids = model.vocabulary.encode(model.split(read_given(path, FILE).text()))
    if len(ids) < 2:
        message = f"{len(ids)} {data.unit}s: nothing follows that could be predicted"
        raise DataError(message, code="DAT105", position=Position(str(path), 1))
    return consecutive(ids, 0, len(ids), data.window, 1)


def _examples(trained: Trained, data: Records, path: Path, targets: Path | None) -> Sequences:
    _check_there(data, path, targets)
    inputs = trained.signature.inputs
    named = data.model_copy(update=_paths(data, path, targets, inputs))
    experiment = trained.config.experiment.model_copy(update={"data": named})
    config = replace(trained.config, experiment=experiment)
    asked = cast("Unit", trained.signature.units[1])
    examples = _part(trained, config).examples
    vector = Values(inputs.size) if isinstance(inputs, Image) else inputs
    split = sequences_of(config, data, (vector, trained.signature.outputs), asked, examples)
    return images.as_images(split, inputs) if isinstance(inputs, Image) else split


def _check_there(data: Records, path: Path, targets: Path | None) -> None:
    """Raises CommandError: there is no such file, folder or pair of files."""
    if isinstance(data, Folder):
        if not path.is_dir():
            message = f"no such folder: {path.absolute()}"
            raise CommandError(message, code="CMD120", key=FILE, value=str(path))
        return
    with open_given(path, FILE):
        pass
    if isinstance(data, Pairs):
        if targets is None:
            raise CommandError(
                "a run of pairs is scored on two files: line n of one is the target of line n of"
                " the other",
                code="CMD125",
                key=TARGETS,
                hint=f"rnnexp evaluate RUN {path} --targets OTHER",
            )
        with open_given(targets, TARGETS):
            pass


def _paths(data: Records, path: Path, targets: Path | None, inputs: Spec) -> dict[str, Any]:
    """The keys of `data:` as they would be if it named the file, and no other."""
    if isinstance(inputs, Image):
        place, size = path.absolute(), (inputs.height, inputs.width)
        return {"captions": str(place), "path": str(place.parent), "size": size}
    keys: dict[str, Any] = dict.fromkeys(
        name for name in type(data).model_fields if name.endswith("_path")
    )
    if targets is not None:
        keys["target_path"] = str(targets.absolute())
    return keys | {"path": str(path.absolute())}


def _part(trained: Trained, config: Config) -> Part:
    match config.experiment.data:
        case Pairs():
            part = pairs.part_of(config, "data.path")
        case Folder():
            part = folder.part_of(config)
        case Images() as data:
            part = images.part_of(config, data)[0]
        case Jsonl() as data:
            part = jsonl.part_of(config, data, "data.path")
        case CsvRows() as data:
            part = csv_rows.part_of(config, data, "data.path")
        case ParquetRows() as data:
            part = parquet_rows.part_of(config, data, "data.path")
        case Conllu() as data:
            part = conllu.part_of(config, data, "data.path")
        case _:
            raise _unreadable(trained)
    return part


def _unreadable(trained: Trained) -> CommandError:
    return CommandError(
        f"a run of {trained.signature.source} data does not read its examples from a file",
        code="CMD125",
        key=FILE,
        allowed=READABLE,
        hint="rnnexp evaluate RUN --split test scores a part of the run's own data",
    )
