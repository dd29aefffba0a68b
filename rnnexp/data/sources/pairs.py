"""`source: pairs`: parallel text, line by line the input and its target."""

from __future__ import annotations

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Pairs
from rnnexp.data.dataset import Dataset
from rnnexp.data.reading_files import SourceFile, read_file
from rnnexp.data.records.examples import Example
from rnnexp.data.records.records import Part, dataset_of
from rnnexp.errors import DataError

__all__ = ["load", "part_of"]


def load(config: Config, data: Pairs) -> Dataset:
    """Read two files and split their lines at random, or read files that are split already."""
    return dataset_of(config, data, [part_of(config, key) for key in data.path_keys])


def part_of(config: Config, key: str) -> Part:
    """The examples of the files that the config names at a key and its twin. Raises DataError."""
    inputs, targets = read_file(config, key), read_file(config, _target_key(key))
    lines, answers = _lines(inputs), _lines(targets)
    if len(lines) != len(answers):
        raise DataError(
            f"{inputs.name} has {len(lines):,} lines and {targets.name} {len(answers):,}; line n "
            "of one belongs to line n of the other",
            code="DAT119",
            position=targets.at(min(len(lines), len(answers)) + 1),
            key=_target_key(key),
        )
    examples = [
        Example(inputs.name, number, line, answer)
        for number, (line, answer) in enumerate(zip(lines, answers, strict=True), start=1)
    ]
    if not examples:
        raise DataError("the file is empty: 0 lines", code="DAT105", position=inputs.at(1))
    return Part(examples, (inputs.record(), targets.record()))


def _target_key(key: str) -> str:
    """`data.path` -> `data.target_path`, `data.val_path` -> `data.val_target_path`."""
    return f"{key.removesuffix('path')}target_path"


def _lines(file: SourceFile) -> list[str]:
    """The lines without outer blanks; the last line end ends a line, it begins none."""
    return [line.strip() for line in file.text().removesuffix("\n").split("\n")]
