"""`source: folder`: text files by class.

names/Arabic.txt      one file a class, one example a line
reviews/pos/0001.txt  one folder a class, one example a file
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Folder
from rnnexp.data.dataset import Dataset
from rnnexp.data.reading_files import list_folder, read_path
from rnnexp.data.records.examples import Example
from rnnexp.data.records.records import Part, dataset_of
from rnnexp.errors import DataError, Position

__all__ = ["load", "part_of"]

KEY = "data.path"


def load(config: Config, data: Folder) -> Dataset:
    """Read every file of the folder; the name of the file, or of the folder around it, is the class
    to predict, or in one-to-many the class that a text is written for.
    """
    return dataset_of(config, data, [part_of(config)])


def part_of(config: Config) -> Part:
    """The examples of the folder that the config names. Raises DataError."""
    root = config.file(KEY)
    entries = list_folder(root, config, KEY)
    folders = [entry for entry in entries if entry.is_dir()]
    if not entries:
        _refuse(config, f"{root} has no files", hint="one file or one folder for each class")
    if folders and len(folders) < len(entries):
        loose = next(entry for entry in entries if entry not in folders)
        _refuse(
            config,
            f"{root} holds folders and files, such as {loose.name!r}",
            hint="either one file a class with an example a line, or one folder a class with an "
            "example a file",
        )
    read = _files_of_folders(config, folders) if folders else _lines_of_files(config, entries)
    records: list[dict[str, Any]] = []
    examples = []
    generated = config.experiment.task.kind == "one_to_many"
    for record, file, line, text, label in read:
        if not records or records[-1] is not record:
            records.append(record)
        sides = (label, text) if generated else (text, label)
        examples.append(Example(file, line, *sides))
    if not examples:
        raise DataError(f"{root}: 0 examples", code="DAT105", position=Position(str(root)))
    return Part(examples, tuple(records))


Read = Iterator[tuple[dict[str, Any], str, int, str, str]]
"""the file's record, its name, the line, the text, its class"""


def _lines_of_files(config: Config, files: list[Path]) -> Read:
    for path, label in zip(files, _classes(files), strict=True):
        file = read_path(path, config, KEY)
        record = file.record()
        for number, line in enumerate(file.text().split("\n"), start=1):
            if line.strip():
                yield record, file.name, number, line.strip(), label


def _files_of_folders(config: Config, folders: list[Path]) -> Read:
    for folder in folders:
        for path in list_folder(folder, config, KEY):
            file = read_path(path, config, KEY)
            yield file.record(), file.name, 1, file.text().strip(), folder.name


def _classes(files: list[Path]) -> list[str]:
    """`Arabic.txt` is class Arabic; where all stems are equal, as in `rt.pos`, the ending is it."""
    endings = {path.stem for path in files} != {files[0].stem} or len(files) == 1
    return [path.stem if endings else path.suffix.removeprefix(".") for path in files]


def _refuse(config: Config, message: str, hint: str) -> NoReturn:
    raise DataError(message, code="DAT102", position=config.where(KEY), key=KEY, hint=hint)
