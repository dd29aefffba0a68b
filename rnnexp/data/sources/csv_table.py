"""A time series out of a CSV or TSV file, each complaint with its line and column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.data.reading_files import SourceFile
from rnnexp.data.series import Column, Table
from rnnexp.data.sources.csv_file import Row, empty_table, find_columns, open_csv
from rnnexp.data.sources.csv_numbers import is_number, not_finite, number_of, read_numbers
from rnnexp.errors import DataError, Position

__all__ = ["read_table", "table_of_cells"]

DATE = re.compile(r"\d{4}-\d\d(-\d\d([ T].*)?)?$")


def read_table(
    file: SourceFile,
    names: Sequence[str],
    asked: Position,
    least: int,
    *,
    further: Sequence[str] = (),
    series: str | None = None,
    drop: bool = False,
    open_end: bool = False,
) -> Table:
    """Read the columns `names` to predict; `asked` is where the config asks for them.

    least: how many rows are needed, for the message about an empty file. further: columns of
    numbers or categories that are not predicted. series: the column that tells series apart.
    drop: leave out rows with a blank, NaN or infinite value, instead of refusing the file.
    open_end: rows at the end of a series whose predicted columns are all blank stay, as NaN: they
    ask for a forecast.

    Raises:
        DataError: anything in the file that is not such a table.
    """
    table = open_csv(file, names, least)
    fields = find_columns(table, names, asked)
    fields += find_columns(table, further, asked, "data.inputs") if further else []
    own = find_columns(table, [series], asked, "data.id") if series else []
    index = next((i for i in range(len(table.header)) if i not in fields + own), fields[0])
    lines, cells, labels = _cells(table.rows(), fields + own, index)
    if not lines:
        raise empty_table(file, table.line, "only a header", least)
    labels = labels if index not in fields + own else []
    both = tuple(names), tuple(further)
    return table_of_cells(file, both, fields, lines, cells, labels, drop, open_end)


def table_of_cells(  # noqa: PLR0917
    file: SourceFile,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    fields: list[int],
    lines: list[int],
    cells: list[list[str]],
    labels: list[str],
    drop: bool,
    open_end: bool = False,
) -> Table:
    """The table of columns of text, predicted ones, then further ones, then that of the series.

    fields: where each of the first two stands in the file; a column of cells beyond them names the
    series. labels: the column that may hold dates, or nothing.

    Raises:
        DataError: text where a number is due, values that are missing, dates out of order.
    """
    predicted, further = names
    both, begins = [*predicted, *further], [0]
    if len(cells) > len(both):
        order, begins = _by_series(cells.pop())
        lines, labels = [lines[i] for i in order], [labels[i] for i in order if labels]
        cells = [[column[i] for i in order] for column in cells]
    for begin, stop in pairwise([*begins, len(lines)]):
        _check_order(file, lines[begin:stop], labels[begin:stop])
    read = _read_columns(file, lines, fields, both, cells, len(predicted))
    given = read
    if open_end:
        values = read[: len(predicted)]
        asked = _open_ends(np.array(values).T, [*begins, len(lines)])
        given = [*(np.where(asked, 0, column) for column in values), *read[len(predicted) :]]
    keep = _complete(file, lines, fields, both, given, drop)
    record: dict[str, Any] = {"files": [file.record()], "rows_dropped": int((~keep).sum())}
    if labels and (DATE.match(labels[0]) or is_number(labels[0])):
        record["range"] = [labels[0], labels[-1]]
    kept = [_chosen(column, keep) for column in read]
    return Table(
        predicted,
        np.stack([np.asarray(column) for column in kept[: len(predicted)]], axis=1),
        tuple(int(keep[:begin].sum()) for begin in begins),
        dict(zip(further, kept[len(predicted) :], strict=True)),
        file.name,
        np.array(lines)[keep],
        record,
    )


def _by_series(names: list[str]) -> tuple[list[int], list[int]]:
    """The rows series by series, each in the order of the file, and where each begins."""
    first = {name: number for number, name in enumerate(dict.fromkeys(names))}
    order = sorted(range(len(names)), key=lambda row: first[names[row]])
    counts = Counter(names)
    begins = np.cumsum([0, *(counts[name] for name in first)])[:-1]
    return order, begins.tolist()


def _read_columns(  # noqa: PLR0917
    file: SourceFile,
    lines: list[int],
    fields: list[int],
    names: list[str],
    cells: list[list[str]],
    predicted: int,
) -> list[Column]:
    """Each column as numbers (S,), NaN where blank; of those not predicted, texts as they are."""
    read: list[Column] = []
    for place, column in enumerate(cells):
        if place >= predicted and any(number_of(cell) is None for cell in column):
            read.append([cell.strip() for cell in column])
        else:
            name, field = [names[place]], [fields[place]]
            read.append(read_numbers(file, lines, field, name, [column])[:, 0])
    return read


def _complete(  # noqa: PLR0917
    file: SourceFile,
    lines: list[int],
    fields: list[int],
    names: list[str],
    read: list[Column],
    drop: bool,
) -> NDArray[np.bool_]:
    """(S,) the rows in which every number is finite.

    Raises:
        DataError: some are not, and such rows are not to be dropped.
    """
    numbers = [place for place, column in enumerate(read) if not isinstance(column, list)]
    values = np.stack([np.asarray(read[place]) for place in numbers], axis=1)
    keep: NDArray[np.bool_] = np.isfinite(values).all(axis=1)
    if not keep.all() and not drop:
        chosen = [fields[i] for i in numbers], [names[i] for i in numbers]
        raise not_finite(file, lines, *chosen, values)
    return keep


def _open_ends(values: NDArray[np.float64], begins: list[int]) -> NDArray[np.bool_]:
    """(S,) the rows at the end of each series in which every value (S, F) is blank."""
    blank = np.asarray(np.isnan(values).all(axis=1))
    for begin, stop in pairwise(begins):
        given = np.flatnonzero(~blank[begin:stop])
        blank[begin : begin + (given[-1] + 1 if len(given) else 0)] = False
    return blank


def _chosen(column: Column, keep: NDArray[np.bool_]) -> Column:
    if isinstance(column, list):
        return [cell for cell, kept in zip(column, keep, strict=True) if kept]
    return column[keep]


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
    if not labels or not all(map(DATE.match, (labels[0], labels[-1]))):
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
