"""Answers to what a user gives: a file, lines from a pipe, or one input on the command line.

Shape letters: S rows, F columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from rnnexp.config.data_settings import Conllu, CsvRows
from rnnexp.data.dataset import Image
from rnnexp.data.reading_files import SourceFile, lines_of, open_given, read_given
from rnnexp.data.records.examples import Example, Field
from rnnexp.data.records.records import PICTURES, PictureReader, Question, QuestionReader
from rnnexp.data.series import Table
from rnnexp.data.sources import conllu, csv_rows
from rnnexp.errors import CommandError, DataError, Position
from rnnexp.inference.answers import Tally, Wish, answers
from rnnexp.inference.forecast import SeriesReader
from rnnexp.inference.trained import Trained

__all__ = ["Given", "predictions", "table_of"]

Given = Path | BinaryIO | str
"""A file, an open pipe, or the input itself."""
LITERAL, PIPE = "INPUT", "stdin"
BATCH = 128
TABLES, SENTENCES = (".csv", ".tsv", ".tab"), (".conllu", ".conll")
COLUMNS = (".parquet",)


def predictions(
    trained: Trained, given: Given, tally: Tally, wish: Wish | None = None
) -> Iterator[dict[str, Any]]:
    """One record for each input, in order, in memory that does not grow with their number.

    What comes through a pipe is answered line by line.

    Raises:
        CommandError: no such file, or an input that is neither a file nor JSON.
        DataError: an input that the network cannot read, or none at all.
    """
    size = BATCH if isinstance(given, Path) else 1
    yield from answers(trained, tally.watch(_questions(trained, given)), size, wish)
    if not tally.inputs:
        name = str(given) if isinstance(given, Path) else PIPE
        raise DataError("0 inputs: the file is empty", code="DAT105", position=Position(name, 1))


def _questions(trained: Trained, given: Given) -> Iterator[Question]:
    if isinstance(trained.signature.inputs, Image):
        yield from _pictures(PictureReader(trained.signature.inputs), given)
        return
    reader = QuestionReader(trained.config, trained.signature)
    if isinstance(given, str):
        if reader.needs_json:
            _checked_json(given)
        yield reader.of(reader.value(LITERAL, 1, given), LITERAL)
    elif isinstance(given, Path):
        yield from _questions_of_file(trained, reader, given)
    else:
        yield from reader.of_lines(lines_of(given, PIPE), PIPE)


def _pictures(reader: PictureReader, given: Given) -> Iterator[Question]:
    """An image file, or the lines of a file or pipe that name one each."""
    if isinstance(given, str):
        raise CommandError("no such file", code="CMD120", key=LITERAL, value=given)
    if not isinstance(given, Path):
        yield from reader.of_lines(lines_of(given, PIPE), PIPE, Path())
    elif given.suffix.lower() in PICTURES:
        yield reader.of(given, Position(LITERAL), LITERAL)
    else:
        with open_given(given, LITERAL) as file:
            yield from reader.of_lines(lines_of(file, str(given)), str(given), given.parent)


def _questions_of_file(trained: Trained, reader: QuestionReader, path: Path) -> Iterator[Question]:
    """A table by its columns, tagged sentences by their words, anything else line by line."""
    data, name, ending = trained.config.experiment.data, str(path), path.suffix.lower()
    if isinstance(data, CsvRows) and ending in TABLES:
        for line, value in csv_rows.inputs_of(trained.config, data, read_given(path, LITERAL)):
            yield reader.of(value, name, line)
    elif isinstance(data, Conllu) and ending in SENTENCES:
        for example in conllu.sentences_of(read_given(path, LITERAL)):
            yield reader.of(example.inputs, name, example.line)
    elif ending in (*TABLES, *SENTENCES, *COLUMNS):
        raise DataError(
            f"a run of {trained.signature.source} data reads JSON objects or plain texts, one a"
            f" line, no {ending} file",
            code="DAT106",
            position=Position(name),
        )
    else:
        with open_given(path, LITERAL) as file:
            yield from reader.of_lines(lines_of(file, name), name)


def table_of(trained: Trained, given: Given, open_end: bool) -> Table:
    """The columns that the network reads, of a CSV file or a JSON list of rows.

    open_end: the last rows may be blank, to be forecast.

    Raises:
        CommandError: no such file, or an input that is neither a file nor JSON.
        DataError: columns are missing, or cells that are no numbers.
    """
    reader = SeriesReader(trained)
    if isinstance(given, Path):
        return reader.read(read_given(given, LITERAL), open_end)
    if isinstance(given, str):
        return _table_of_list(reader, _checked_json(given))
    return reader.read(SourceFile(PIPE, given.read()), open_end)


def _table_of_list(reader: SeriesReader, rows: Any) -> Table:
    """A table of a list of numbers, or of a list of rows."""
    if reader.inputs.size != reader.columns.size:
        raise CommandError(
            "the run also reads columns that it does not forecast: give a file with all of them",
            code="CMD123",
            key=LITERAL,
        )
    values = Field("inputs", LITERAL, "number", many=True).read(Example(LITERAL, 1, rows, None))
    table_SF, columns = np.asarray(values, dtype=np.float64), reader.columns
    if len(table_SF) and table_SF.shape[1] != columns.size:
        message = f"{table_SF.shape[1]} numbers a row; the columns are {', '.join(columns.names)}"
        raise DataError(message, code="DAT124", position=Position(LITERAL))
    odd = np.flatnonzero(~np.isfinite(table_SF).all(axis=1))
    if len(odd):
        message = f"null, NaN or infinite at row {odd[0] + 1}"
        raise DataError(message, code="DAT113", position=Position(LITERAL))
    rows = np.arange(1, len(table_SF) + 1)
    return Table(columns.names, table_SF, file=LITERAL, lines=rows)


def _checked_json(text: str) -> Any:
    """Raises CommandError where an input is neither the name of a file nor JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise CommandError(
            "no such file, and not JSON either",
            code="CMD120",
            key=LITERAL,
            value=text,
            allowed="a file, - for stdin, or the input itself as JSON",
        ) from None
