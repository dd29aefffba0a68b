"""From the config's `data:` to a data set that is ready to train on."""

from __future__ import annotations

from dataclasses import replace

from rnnexp.config import data_settings as schema
from rnnexp.config.compatibility import shape_of
from rnnexp.config.config import Config
from rnnexp.data.dataset import Dataset
from rnnexp.data.guards import check
from rnnexp.data.signature import describe
from rnnexp.data.sources import (
    conllu,
    csv_rows,
    csv_series,
    digits,
    folder,
    idx,
    images,
    jsonl,
    npz,
    pairs,
    parquet_rows,
    parquet_series,
    python_docs,
    tables,
    text,
)
from rnnexp.data.sources.word_vectors import with_word_vectors
from rnnexp.data.synthetic import (
    adding,
    copy_memory,
    delayed_echo,
    reversed_addition,
    running,
    sine_mixture,
    temporal_order,
    waveforms,
)

__all__ = ["prepare"]


def prepare(config: Config) -> Dataset:
    """Load, check, split, encode and scale the data of an experiment.

    Raises:
        DataError: the data is not what the config says it is, or too little of it.
        MemoryExceededError: it would not fit in memory.
        EnvironmentMissingError: it comes with an extra that is not installed.
    """
    dataset = _load(config)
    assert dataset.shape == shape_of(config.experiment.task), "the config was not checked"
    check(config, dataset)
    dataset = with_word_vectors(config, dataset)
    return replace(dataset, record=describe(dataset))


def _load(config: Config) -> Dataset:  # noqa: PLR0911, PLR0912 (one line a source)
    match config.experiment.data:
        case schema.Csv() as data:
            return csv_series.load(config, data)
        case schema.Parquet() as data:
            return parquet_series.load(config, data)
        case schema.CsvRows() as data:
            return csv_rows.load(config, data)
        case schema.ParquetRows() as data:
            return parquet_rows.load(config, data)
        case schema.Jsonl() as data:
            return jsonl.load(config, data)
        case schema.Folder() as data:
            return folder.load(config, data)
        case schema.Pairs() as data:
            return pairs.load(config, data)
        case schema.Conllu() as data:
            return conllu.load(config, data)
        case schema.Text() as data:
            return text.load(config, data)
        case schema.PythonDocs() as data:
            return python_docs.load(config, data)
        case schema.Sunspots() | schema.AirlinePassengers() as data:
            return tables.load(config, data)
        case schema.Npz() as data:
            return npz.load(config, data)
        case schema.Images() as data:
            return images.load(config, data)
        case schema.Idx() as data:
            return idx.load(config, data)
        case schema.Digits() as data:
            return digits.load(config, data)
        case schema.Adding() as data:
            return adding.load(config, data)
        case schema.CopyMemory() as data:
            return copy_memory.load(config, data)
        case schema.TemporalOrder() as data:
            return temporal_order.load(config, data)
        case schema.DelayedEcho() as data:
            return delayed_echo.load(config, data)
        case schema.ReversedAddition() as data:
            return reversed_addition.load(config, data)
        case schema.Running() as data:
            return running.load(config, data)
        case schema.SineMixture() as data:
            return sine_mixture.load(config, data)
        case schema.Waveforms() as data:
            return waveforms.load(config, data)
