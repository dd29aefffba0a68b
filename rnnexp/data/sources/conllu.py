"""`source: conllu`: tagged sentences of Universal Dependencies, one word a line.

A word is a line of ten columns parted by tabs, numbered from 1 in its sentence; ranges (`3-4`) and
empty nodes (`8.1`) are no words. Format: https://universaldependencies.org/format.html
"""

from __future__ import annotations

from collections.abc import Iterator

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Conllu
from rnnexp.data.dataset import Dataset
from rnnexp.data.reading_files import SourceFile, read_file
from rnnexp.data.records.examples import Example
from rnnexp.data.records.records import Part, dataset_of
from rnnexp.errors import DataError

__all__ = ["load", "part_of", "sentences_of"]

COLUMNS = {"lemma": 2, "upos": 3, "xpos": 4, "deprel": 7}
WIDTH = 10


def load(config: Config, data: Conllu) -> Dataset:
    """Read one file and split it at random, or read files that are split already."""
    return dataset_of(config, data, [part_of(config, data, key) for key in data.path_keys])


def part_of(config: Config, data: Conllu, key: str) -> Part:
    """The examples of the file that the config names at a key. Raises DataError."""
    file = read_file(config, key)
    examples = list(sentences_of(file, COLUMNS[data.column]))
    if not examples:
        raise DataError("the file is empty: 0 sentences", code="DAT105", position=file.at(1))
    return Part(examples, (file.record(),))


def sentences_of(file: SourceFile, column: int = 1) -> Iterator[Example]:
    """The words of each sentence, and one column of theirs. Raises DataError."""
    words: list[str] = []
    tags: list[str] = []
    for number, line in enumerate([*file.text().split("\n"), ""], start=1):
        if not line.strip():
            if words:
                yield Example(file.name, number - len(words), words, tags)
            words, tags = [], []
        elif not line.startswith("#"):
            cells = _cells(file, number, line)
            if cells[0].isdecimal():
                _check_count(file, number, cells[0], len(words) + 1)
                words.append(cells[1])
                tags.append(cells[column])


def _cells(file: SourceFile, number: int, line: str) -> list[str]:
    cells = line.split("\t")
    if len(cells) == WIDTH:
        return cells
    raise DataError(
        f"expected {WIDTH} columns parted by tabs, got {len(cells)}",
        code="DAT111",
        position=file.at(number),
        value=line,
        hint="blank lines part sentences, and # begins a comment",
    )


def _check_count(file: SourceFile, number: int, given: str, expected: int) -> None:
    if int(given) != expected:
        raise DataError(
            f"word {given} where word {expected} of the sentence is due",
            code="DAT127",
            position=file.at(number, 1),
            value=given,
            hint="a blank line must part two sentences",
        )
