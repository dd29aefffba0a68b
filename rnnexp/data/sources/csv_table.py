"""Reading numeric columns out of a CSV or TSV file, each complaint with its line and column.

Every row must have as many fields as the header. Blank lines are skipped, except in a file of one
column, where one between two values is a missing value.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from rnnexp.config.nearest import nearest
from rnnexp.data.series import Table
from rnnexp.data.sources.csv_numbers import is_number, not_finite, read_numbers
from rnnexp.data.sources.files import SourceFile
from rnnexp.errors import DataError, Position

__all__ = ["read_table"]

DELIMITERS = ",;\t|"
DATE = re.compile(r"\d{4}-\d\d(-\d\d([ T].*)?)?$")

Row = tuple[int, list[str]]


def read_table(
    file: SourceFile, names: Sequence[str], asked: Position, least: int, *, drop: bool = False
) -> Table:
    """Read the columns `names`; `asked` is where the config asks for them.

    least: how many rows are needed, for the message about an empty file.
    drop: leave out rows with a blank, NaN or infinite value, instead of refusing the file.

    Raises:
        DataError: anything in the file that is not a table of numbers.
    """
    text = file.text()
    header_line, delimiter, header = _header(file, text, names, least)
    fields = _find_columns(file, header_line, header, names, asked)
    index = next((i for i in range(len(header)) if i not in fields), fields[0])
    lines, cells, labels = _cells(
        _rows(file, text, delimiter, header_line, len(header)), fields, index
    )
    if not lines:
        raise _empty(file, header_line, "only a header", least)
    _check_order(file, lines, labels)
    values = read_numbers(file, lines, fields, names, cells)
    keep = np.isfinite(values).all(axis=1)
    if not keep.all() and not drop:
        raise not_finite(file, lines, fields, names, values)
    record: dict[str, Any] = {"files": [file.record()], "rows_dropped": int((~keep).sum())}
    if index not in fields and (DATE.match(labels[0]) or is_number(labels[0])):
        record["range"] = [labels[0], labels[-1]]
    return Table(tuple(names), values[keep], file.name, np.array(lines)[keep], record)


def _cells(
    rows: Iterator[Row], fields: list[int], index: int
) -> tuple[list[int], list[list[str]], list[str]]:
    """Line numbers, the asked columns and the index column.

    Column by column, since a list kept per row would make the garbage collector slow.
    """
    lines: list[int] = []
    cells: list[list[str]] = [[] for _ in fields]
    labels: list[str] = []
    for line, row in rows:
        lines.append(line)
        labels.append(row[index])
        for column, i in zip(cells, fields, strict=True):
            column.append(row[i])
    return lines, cells, labels


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
        raise _empty(file, 1, "the file is empty", least)
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


def _find_columns(
    file: SourceFile, line: int, header: list[str], names: Sequence[str], asked: Position
) -> list[int]:
    """The index of each asked column in the header."""
    for name in names:
        if list(names).count(name) > 1:
            message = f"column {name!r} is named more than once"
            raise DataError(message, code="DAT114", position=asked, key="data.value", value=name)
        if header.count(name) > 1:
            places = ", ".join(str(i + 1) for i, other in enumerate(header) if other == name)
            message = f"the header has {name!r} {header.count(name)} times: columns {places}"
            raise DataError(message, code="DAT114", position=file.at(line), key="data.value")
        if name not in header:
            raise _no_column(file, line, header, name, asked)
    if not names:
        message = "names no column"
        raise DataError(message, code="DAT114", position=asked, key="data.value")
    return [header.index(name) for name in names]


def _no_column(
    file: SourceFile, line: int, header: list[str], name: str, asked: Position
) -> DataError:
    no_header = all(is_number(cell) for cell in header)
    shown = ", ".join(repr(cell) for cell in header[:20]) + (", ..." if len(header) > 20 else "")
    return DataError(
        f"{file.at(line)} has no column {name!r}",
        code="DAT114",
        position=asked,
        key="data.value",
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


def _empty(file: SourceFile, line: int, why: str, least: int) -> DataError:
    return DataError(
        f"{why}: 0 rows, needs at least {least:,}", code="DAT105", position=file.at(line)
    )


def _check_order(file: SourceFile, lines: list[int], labels: list[str]) -> None:
    """Refuse dates that run backwards: the split would train on the future.

    Days alone are compared, since hours come in too many spellings (`9:00` before `10:00`).
    """
    if not all(map(DATE.match, (labels[0], labels[-1]))):
        return
    back = next((i for i, (a, b) in enumerate(pairwise(labels), start=1) if a[:10] > b[:10]), None)
    if back is None or not DATE.match(labels[back]) or not DATE.match(labels[back - 1]):
        return
    if labels == sorted(labels, reverse=True):
        message = f"the rows run from newest ({labels[0]!r}) to oldest ({labels[-1]!r})"
        back = 0
    else:
        message = f"the rows are not in the order of time: {labels[back]!r} comes after "
        message += repr(labels[back - 1])
    raise DataError(
        message,
        code="DAT118",
        position=file.at(lines[back]),
        hint="sort the rows by time, oldest first",
    )
