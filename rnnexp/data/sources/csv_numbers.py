"""The cells of a CSV file as numbers, each complaint with its line, column and value."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnnexp.data.reading_files import SourceFile
from rnnexp.errors import DataError

__all__ = ["is_number", "not_finite", "number_of", "read_numbers"]

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
THOUSANDS = re.compile(r"\s*[-+]?\d{1,3}(,\d{3})+(\.\d*)?\s*$")
DECIMAL_COMMA = re.compile(r"\s*[-+]?\d[\d.]*(,\d+)+\s*$")
LARGEST = float(np.finfo(np.float32).max)


def read_numbers(
    file: SourceFile,
    lines: Sequence[int],
    fields: Sequence[int],
    names: Sequence[str],
    cells: Sequence[list[str]],
) -> NDArray[np.float64]:
    """The numbers (S, F) of F columns, NaN where a cell is blank.

    lines: (S,) line of each row. fields, names: index and name of each column in the file.

    Raises:
        DataError: text, or a number that overflows float32.
    """
    columns = [
        _column(file, lines, column, field + 1, name)
        for column, field, name in zip(cells, fields, names, strict=True)
    ]
    return np.stack(columns, axis=1)


def is_number(cell: str) -> bool:
    """Whether a cell holds a finite number."""
    number = number_of(cell)
    return number is not None and math.isfinite(number)


def not_finite(
    file: SourceFile,
    lines: Sequence[int],
    fields: Sequence[int],
    names: Sequence[str],
    values: NDArray[np.float64],
) -> DataError:
    """How many values (S, F) are blank, NaN or infinite, and where the first three are."""
    rows, columns = np.nonzero(~np.isfinite(values))
    first = [
        f"line {lines[row]}, column {fields[k] + 1} {names[k]!r}"
        for row, k in zip(rows[:3], columns[:3], strict=True)
    ]
    count = f"{len(rows):,} values are" if len(rows) > 1 else "1 value is"
    more = f" and {len(rows) - 3:,} more" if len(rows) > 3 else ""
    return DataError(
        f"{count} blank, NaN or infinite: {'; '.join(first)}{more}",
        code="DAT113",
        position=file.at(lines[rows[0]], fields[columns[0]] + 1),
        key="data.nan",
        value="error",
        allowed="error, drop",
        hint="data.nan: drop leaves those rows out",
    )


def _column(
    file: SourceFile, lines: Sequence[int], cells: list[str], column: int, name: str
) -> NDArray[np.float64]:
    """One column (S,); `column` counts from 1."""
    try:
        whole = "_" not in "".join(cells)  # float() would read 1_000
        numbers: list[float | None] = (
            list(map(float, cells)) if whole else list(map(number_of, cells))
        )
    except ValueError:
        numbers = list(map(number_of, cells))
    if None in numbers:
        at = numbers.index(None)
        raise _not_a_number(file, lines[at], cells[at], column, name)
    values = np.array(numbers, dtype=np.float64)
    too_large = np.flatnonzero(np.isfinite(values) & (np.abs(values) > LARGEST))
    if len(too_large):
        raise DataError(
            f"column {column} {name!r}: too large for float32 (at most 3.4e38)",
            code="DAT116",
            position=file.at(lines[too_large[0]], column),
            key=name,
            value=cells[too_large[0]],
        )
    return values


def _not_a_number(file: SourceFile, line: int, cell: str, column: int, name: str) -> DataError:
    return DataError(
        f"column {column} {name!r} must be a number, got text",
        code="DAT112",
        position=file.at(line, column),
        key=name,
        value=cell,
        hint=_comma(cell),
    )


def _comma(cell: str) -> str | None:
    if THOUSANDS.match(cell):
        return "a comma between thousands? leave it out; a decimal comma? write a point"
    return "a decimal comma? write a point" if DECIMAL_COMMA.match(cell) else None


def number_of(cell: str) -> float | None:
    """The number that a cell holds, NaN for a blank, None for text."""
    if cell.strip().casefold() in MISSING:
        return float("nan")
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None
