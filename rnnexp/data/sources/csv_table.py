"""Reading numeric columns out of a CSV or TSV file, each complaint with its line and column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from rnnexp.data.series import Table
from rnnexp.data.sources.csv_file import Row, empty_table, find_columns, open_csv
from rnnexp.data.sources.csv_numbers import is_number, not_finite, read_numbers
from rnnexp.data.sources.files import SourceFile
from rnnexp.errors import DataError, Position

__all__ = ["read_table"]

DATE = re.compile(r"\d{4}-\d\d(-\d\d([ T].*)?)?$")


def read_table(
    file: SourceFile, names: Sequence[str], asked: Position, least: int, *, drop: bool = False
) -> Table:
    """Read the columns `names`; `asked` is where the config asks for them.

    least: how many rows are needed, for the message about an empty file.
    drop: leave out rows with a blank, NaN or infinite value, instead of refusing the file.

    Raises:
        DataError: anything in the file that is not a table of numbers.
    """
    table = open_csv(file, names, least)
    fields = find_columns(table, names, asked)
    index = next((i for i in range(len(table.header)) if i not in fields), fields[0])
    lines, cells, labels = _cells(table.rows(), fields, index)
    if not lines:
        raise empty_table(file, table.line, "only a header", least)
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
