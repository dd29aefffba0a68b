"""A CSV or TSV file as a header and rows of cells, each complaint with its line.

Every row must have as many fields as the header. Blank lines are skipped, except in a file of one
column, where one between two values is a missing value.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rnnexp.data.reading_files import SourceFile
from rnnexp.data.sources.csv_numbers import is_number
from rnnexp.errors import DataError, Position, nearest

__all__ = ["CsvFile", "Row", "empty_table", "find_columns", "open_csv"]

DELIMITERS = ",;\t|"

Row = tuple[int, list[str]]


@dataclass(frozen=True)
class CsvFile:
    """The header of a CSV file and the way to its rows.

    line: where the header stands; text: the whole file.
    """

    file: SourceFile
    text: str
    line: int
    delimiter: str
    header: tuple[str, ...]

    def rows(self) -> Iterator[Row]:
        """Line and fields of every row after the header.

        Raises:
            DataError: a row with more or fewer fields, or quotation marks that do not close.
        """
        return _rows(self.file, self.text, self.delimiter, self.line, len(self.header))


def open_csv(file: SourceFile, names: Sequence[str], least: int) -> CsvFile:
    """Read the header; `names` are the columns that will be asked for.

    least: how many rows are needed, for the message about an empty file.

    Raises:
        DataError: the file is empty.
    """
    text = file.text()
    line, delimiter, header = _header(file, text, names, least)
    return CsvFile(file, text, line, delimiter, tuple(header))


def find_columns(
    table: CsvFile, names: Sequence[str], asked: Position, key: str = "data.value"
) -> list[int]:
    """The index of each column in the header; `asked` is where the config asks for them.

    Raises:
        DataError: no such column, or one that is named twice.
    """
    return _find_columns(table.file, table.line, list(table.header), names, asked, key)


def _header(
    file: SourceFile, text: str, names: Sequence[str], least: int
) -> tuple[int, str, list[str]]:
    """Line, delimiter and column names of the first line that is not blank.

    The delimiter is the first one under which the header has every column that is asked for, tried
    in the order that the extension suggests; where none does, the one that gives most columns.
    """
    stream = enumerate(io.StringIO(text), start=1)
    number, line = next(((n, line) for n, line in stream if line.strip()), (1, ""))
    if not line:
        raise empty_table(file, 1, "the file is empty", least)
    tab_first = file.name.lower().endswith((".tsv", ".tab"))
    order = "\t" + DELIMITERS if tab_first else DELIMITERS
    headers = {mark: _split(line, mark) for mark in order}
    fitting = (mark for mark in headers if set(names) <= set(headers[mark]))
    delimiter = next(fitting, max(headers, key=lambda mark: len(headers[mark])))
    return number, delimiter, headers[delimiter]


def _split(line: str, delimiter: str) -> list[str]:
    try:
        fields = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []
    return [field.strip() for field in fields]


def _find_columns(  # noqa: PLR0917
    file: SourceFile, line: int, header: list[str], names: Sequence[str], asked: Position, key: str
) -> list[int]:
    """The index of each asked column in the header."""
    for name in names:
        if list(names).count(name) > 1:
            message = f"column {name!r} is named more than once"
            raise DataError(message, code="DAT114", position=asked, key=key, value=name)
        if header.count(name) > 1:
            places = ", ".join(str(i + 1) for i, other in enumerate(header) if other == name)
            message = f"the header has {name!r} {header.count(name)} times: columns {places}"
            raise DataError(message, code="DAT114", position=file.at(line), key=key)
        if name not in header:
            raise _no_column(file, line, header, name, asked, key)
    if not names:
        message = "names no column"
        raise DataError(message, code="DAT114", position=asked, key=key)
    return [header.index(name) for name in names]


def _no_column(  # noqa: PLR0917
    file: SourceFile, line: int, header: list[str], name: str, asked: Position, key: str
) -> DataError:
    no_header = all(is_number(cell) for cell in header)
    shown = ", ".join(repr(cell) for cell in header[:20]) + (", ..." if len(header) > 20 else "")
    return DataError(
        f"{file.at(line)} has no column {name!r}",
        code="DAT114",
        position=asked,
        key=key,
        value=name,
        allowed=shown,
        suggestion=nearest(name, header),
        hint="the first line must name the columns" if no_header else None,
    )


def _rows(
    file: SourceFile, text: str, delimiter: str, header_line: int, width: int
) -> Iterator[Row]:
    """Line and fields of every row after the header."""
    stream = io.StringIO(text, newline="")
    for _ in range(header_line):
        stream.readline()
    reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=True, strict=True)
    blank: list[int] = []
    line = header_line
    try:
        for row in reader:
            line = header_line + reader.line_num
            if not row:
                blank.append(line)
                continue
            if blank:
                yield from ((number, [""]) for number in blank if width == 1)
                blank.clear()
            if len(row) != width:
                raise _ragged(file, line, width, row)
            yield line, row
    except csv.Error as error:
        raise DataError(
            f"cannot be read as CSV: {error} (the record begins on this line)",
            code="DAT115",
            position=file.at(line + 1),
            hint="a quotation mark that is not closed?",
        ) from None


def _ragged(file: SourceFile, line: int, width: int, row: list[str]) -> DataError:
    return DataError(
        f"expected {width} fields as in the header, got {len(row)}",
        code="DAT111",
        position=file.at(line),
        value=row[-1] if len(row) > width else None,
    )


def empty_table(file: SourceFile, line: int, why: str, least: int) -> DataError:
    return DataError(
        f"{why}: 0 rows, needs at least {least:,}", code="DAT105", position=file.at(line)
    )
