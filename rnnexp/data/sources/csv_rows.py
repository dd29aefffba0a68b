"""`source: csv_rows`: a CSV or TSV file with one example a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rnnexp.config.config import Config
from rnnexp.config.data_settings import CsvRows
from rnnexp.data.dataset import Dataset
from rnnexp.data.reading_files import SourceFile, read_file
from rnnexp.data.records.examples import Example
from rnnexp.data.records.records import Part, dataset_of
from rnnexp.data.sources.csv_file import empty_table, find_columns, open_csv
from rnnexp.data.sources.row_values import row_values

__all__ = ["inputs_of", "load", "part_of"]


def load(config: Config, data: CsvRows) -> Dataset:
    """Read one file and split it at random, or read files that are split already."""
    return dataset_of(config, data, [part_of(config, data, key) for key in data.path_keys])


def part_of(config: Config, data: CsvRows, key: str) -> Part:
    """The examples of the file that the config names at a key. Raises DataError."""
    file, values, names = read_file(config, key), row_values(config, data), data.input_columns
    table = open_csv(file, (*names, data.target), 1)
    inputs = find_columns(table, names, config.where("data.inputs"), "data.inputs")
    (target,) = find_columns(table, (data.target,), config.where("data.target"), "data.target")
    examples = [
        Example(
            file.name,
            line,
            values.inputs(file.at(line), names, [row[i] for i in inputs]),
            values.target(file.at(line), data.target, row[target]),
        )
        for line, row in table.rows()
    ]
    if not examples:
        raise empty_table(file, table.line, "only a header", 1)
    return Part(examples, (file.record(),))


def inputs_of(config: Config, data: CsvRows, file: SourceFile) -> Iterator[tuple[int, Any]]:
    """Line and input of each row of a file that needs no target. Raises DataError."""
    values, names = row_values(config, data), data.input_columns
    table = open_csv(file, names, 1)
    places = find_columns(table, names, file.at(table.line), "data.inputs")
    for line, row in table.rows():
        yield line, values.inputs(file.at(line), names, [row[i] for i in places])
