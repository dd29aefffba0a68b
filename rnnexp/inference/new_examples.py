"""A file of new examples with their targets, encoded as the training data of a run were.

Shape letters: S steps, I input features, F predicted columns.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from rnnexp.config.compatibility import is_stream
from rnnexp.config.config import Config
from rnnexp.config.schema.data import (
    Conllu,
    CsvRows,
    Jsonl,
    ParquetRows,
    Records,
    Series,
    TextCorpus,
    Unit,
)
from rnnexp.data.dataset import Dataset, History, Image, Sequences
from rnnexp.data.records.dataset import Part, sequences_of
from rnnexp.data.sources import conllu, csv_rows, jsonl, parquet_rows
from rnnexp.data.sources.given import open_given, read_given
from rnnexp.data.windows import consecutive, joined, overlapping
from rnnexp.errors import CommandError, DataError, Position
from rnnexp.inference.forecast import SeriesReader
from rnnexp.inference.generate import TextModel
from rnnexp.inference.trained import Trained

__all__ = ["READABLE", "dataset_of_file"]

FILE = "FILE"
READABLE = "csv, jsonl, csv_rows, parquet_rows, conllu, text; tables and generated series as csv"


def dataset_of_file(trained: Trained, path: Path) -> Dataset:
    """The file as a data set, whole in each of its splits; nothing is fitted on it.

    Raises:
        CommandError: no such file, or the run's data are not read from one file.
        DataError: it does not hold what the network reads and answers.
    """
    data, signature = trained.config.experiment.data, trained.signature
    history = None
    if isinstance(data, Series):
        split, history = _series(trained, data, path)
    elif isinstance(data, TextCorpus):
        split = _text(trained, data, path)
    elif isinstance(data, Records):
        split = _examples(trained, data, path)
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
    return joined(windows, table.begins), History(answers_SF, begins)


def _text(trained: Trained, data: TextCorpus, path: Path) -> Sequences:
    model = TextModel(trained)
    ids = model.vocabulary.encode(model.split(read_given(path, FILE).text()))
    if len(ids) < 2:
        message = f"{len(ids)} {data.unit}s: nothing follows that could be predicted"
        raise DataError(message, code="DAT105", position=Position(str(path), 1))
    return consecutive(ids, 0, len(ids), data.window, 1)


def _examples(trained: Trained, data: Records, path: Path) -> Sequences:
    with open_given(path, FILE):
        config = _naming(trained.config, data, path)
    inputs = trained.signature.inputs
    assert not isinstance(inputs, Image)
    specs = (inputs, trained.signature.outputs)
    asked = cast("Unit", trained.signature.units[1])
    examples = _part(trained, config).examples
    return sequences_of(config, data, specs, asked, examples)


def _naming(config: Config, data: Records, path: Path) -> Config:
    """The config as it would be if it named the file, and no other."""
    others = {"val_path": None, "test_path": None} if hasattr(data, "val_path") else {}
    named = data.model_copy(update={"path": str(path.absolute()), **others})
    experiment = config.experiment.model_copy(update={"data": named})
    return replace(config, experiment=experiment)


def _part(trained: Trained, config: Config) -> Part:
    match config.experiment.data:
        case Jsonl() as data:
            return jsonl.part_of(config, data, "data.path")
        case CsvRows() as data:
            return csv_rows.part_of(config, data, "data.path")
        case ParquetRows() as data:
            return parquet_rows.part_of(config, data, "data.path")
        case Conllu() as data:
            return conllu.part_of(config, data, "data.path")
    raise _unreadable(trained)


def _unreadable(trained: Trained) -> CommandError:
    return CommandError(
        f"a run of {trained.signature.source} data does not read its examples from one file",
        code="CMD125",
        key=FILE,
        allowed=READABLE,
        hint="rnnexp evaluate RUN --split test scores a part of the run's own data",
    )
