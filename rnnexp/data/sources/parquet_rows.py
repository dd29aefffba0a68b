"""`source: parquet_rows`: a Parquet file with one example a row (extra `parquet`)."""

from __future__ import annotations

from typing import Any

from rnnexp.config.config import Config
from rnnexp.config.data_settings import ParquetRows
from rnnexp.data.dataset import Dataset
from rnnexp.data.reading_files import read_file
from rnnexp.data.records.examples import Example
from rnnexp.data.records.records import Part, dataset_of
from rnnexp.data.sources.parquet_file import read_columns
from rnnexp.data.sources.row_values import row_values
from rnnexp.errors import DataError

__all__ = ["load", "part_of"]


def load(config: Config, data: ParquetRows) -> Dataset:
    """Read one file and split it at random, or read files that are split already."""
    return dataset_of(config, data, [part_of(config, data, key) for key in data.path_keys])


def part_of(config: Config, data: ParquetRows, key: str) -> Part:
    """The examples of the file that the config names at a key. Raises DataError."""
    file, names = read_file(config, key), data.input_columns
    columns = read_columns(config, file, names, config.where("data.inputs"), "data.inputs")
    (targets,) = read_columns(
        config, file, (data.target,), config.where("data.target"), "data.target"
    )
    values = row_values(config, data)
    examples = []
    for number, (target, *cells) in enumerate(zip(targets, *columns, strict=True), start=1):
        at = file.at(number)
        read = [cell if _is_json(cell) else str(cell) for cell in cells]
        if all(isinstance(cell, str) for cell in read):
            inputs = values.inputs(at, names, read)
        else:
            inputs = read if len(read) > 1 else read[0]
        answer = target if _is_json(target) else str(target)
        if isinstance(answer, str):
            answer = values.target(at, data.target, answer)
        examples.append(Example(file.name, number, inputs, answer))
    if not examples:
        raise DataError("the file is empty: 0 rows", code="DAT105", position=file.at(1))
    return Part(examples, (file.record(),))


def _is_json(cell: Any) -> bool:
    """Numbers, truth values, lists and None are what JSON has; dates and the like become text."""
    return cell is None or isinstance(cell, str | int | float | bool | list)
