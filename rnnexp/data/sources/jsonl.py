"""`source: jsonl`: one JSON object a line; numbers, ids or text in, numbers, labels or text out."""

from __future__ import annotations

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Jsonl
from rnnexp.data.dataset import Dataset
from rnnexp.data.reading_files import read_file
from rnnexp.data.records.records import Part, dataset_of
from rnnexp.data.sources.json_lines import read_examples

__all__ = ["load", "part_of"]


def load(config: Config, data: Jsonl) -> Dataset:
    """Read one file and split it at random, or read files that are split already."""
    return dataset_of(config, data, [part_of(config, data, key) for key in data.path_keys])


def part_of(config: Config, data: Jsonl, key: str) -> Part:
    """The examples of the file that the config names at a key. Raises DataError."""
    file = read_file(config, key)
    return Part(read_examples(file, data.inputs, data.target), (file.record(),))
