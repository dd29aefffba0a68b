"""The columns of a table: of a CSV file in any of its dialects, or of a Parquet file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from shlex import quote
from typing import Any

from rnnexp.data.reading_files import SourceFile
from rnnexp.data.sources.csv_file import DELIMITERS, CsvFile, open_csv
from rnnexp.data.sources.csv_numbers import DECIMAL_COMMA
from rnnexp.drafting.field import Field, field_of_cells
from rnnexp.drafting.moments import moments_of
from rnnexp.drafting.sample import Sample
from rnnexp.errors import DataError, EnvironmentMissingError

__all__ = ["MOST_ROWS", "Table", "delimiter_of", "read_csv", "read_parquet"]

MOST_ROWS = 10_000
FIRST_LINES = 20


@dataclass(frozen=True)
class Table:
    """The first rows of a table, column by column.

    kind: how its sources begin (`csv`, `parquet`). lines: the line of each row. rows: how many
    rows the file has, as far as can be told, and `count` in words.
    """

    sample: Sample
    kind: str
    fields: tuple[Field, ...]
    lines: list[int]
    rows: int
    count: str

    @property
    def names(self) -> list[str]:
        return [field.name for field in self.fields]

    @property
    def complete(self) -> bool:
        """Whether every row was looked at."""
        return self.rows == len(self.lines)

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    def without(self, dropped: Sequence[Field]) -> list[Field]:
        return [field for field in self.fields if field not in dropped]


def delimiter_of(lines: Sequence[str]) -> str | None:
    """The mark that parts the first lines into equally many fields, more than one; the comma last.

    A comma also stands in numbers and sentences, where any other mark is there to part fields.
    """
    counts = {}
    filled = [line for line in lines[:FIRST_LINES] if line.strip()]
    for mark in DELIMITERS[1:] + DELIMITERS[:1]:
        widths = {len(row) for row in csv.reader(filled, delimiter=mark, skipinitialspace=True)}
        if len(widths) == 1 and (width := widths.pop()) > 1:
            counts[mark] = width
    return max(counts, key=lambda mark: counts[mark], default=None)


def read_csv(sample: Sample) -> Table:
    """The columns of a CSV or TSV file.

    Raises:
        DataError: no header, a ragged row, numbers with a decimal comma.
    """
    file = SourceFile(sample.name, sample.text.encode())
    opened = open_csv(file, (), 1)
    lines = sample.lines[opened.line - 1 :]
    opened = replace(opened, delimiter=delimiter_of(lines) or opened.delimiter)
    header = next(csv.reader(lines, delimiter=opened.delimiter, skipinitialspace=True))
    opened = replace(opened, header=tuple(cell.strip() for cell in header))
    numbers, rows = _rows(sample, opened)
    columns: Sequence[Sequence[str]] = list(zip(*rows, strict=True)) or [()] * len(opened.header)
    fields = [
        field_of_cells(name, cells) for name, cells in zip(opened.header, columns, strict=True)
    ]
    _check_header(sample, opened.line, fields)
    _check_commas(sample, opened.delimiter, fields, numbers)
    read_on = sample.whole and len(rows) < MOST_ROWS
    return Table(
        sample,
        "csv",
        tuple(fields),
        numbers,
        len(rows) if read_on else _rows_in_all(sample, numbers, rows),
        f"{len(rows):,}" if read_on else _about(sample, numbers, rows),
    )


def _rows(sample: Sample, opened: CsvFile) -> tuple[list[int], list[list[str]]]:
    """Line and cells of the first rows; a row that the sample cuts in two is left out."""
    lines: list[int] = []
    rows: list[list[str]] = []
    try:
        for line, row in opened.rows():
            lines.append(line)
            rows.append(row)
            if len(rows) == MOST_ROWS:
                break
    except DataError:
        if sample.whole or not rows:
            raise
    return lines, rows


def _rows_in_all(sample: Sample, lines: list[int], rows: list[list[str]]) -> int:
    """Rows of the file, where only the first were read."""
    if sample.whole:
        return len(rows) + sum(1 for line in sample.lines[lines[-1] :] if line.strip())
    return sample.estimate(len(sample.lines) - lines[0])


def _about(sample: Sample, lines: list[int], rows: list[list[str]]) -> str:
    if sample.packed and not sample.whole:
        return f"more than {len(sample.lines) - lines[0]:,}"
    about = _rows_in_all(sample, lines, rows)
    return f"{about:,}" if sample.whole else f"about {about:,}"


def _check_header(sample: Sample, line: int, fields: Sequence[Field]) -> None:
    """Refuse a first line that is a row like the others."""
    alike = [field for field in fields if _like_its_values(field)]
    others = [field for field in fields if field not in alike and field.kind != "text"]
    if alike and not others:
        raise DataError(
            "the first line looks like a row, not like names of columns: "
            + ", ".join(repr(field.name) for field in fields[:5]),
            code="DAT301",
            position=sample.at(line),
            hint="add a first line that names the columns, such as "
            + ",".join(_example_names(fields[:6])),
        )
    for name, count in Counter(field.name for field in fields).items():
        if count > 1:
            raise DataError(
                f"the header has {name!r} {count} times",
                code="DAT114",
                position=sample.at(line),
                hint="give each column a name of its own",
            )


def _like_its_values(field: Field) -> bool:
    if field.kind in ("label", "truth"):
        return field.name in field.counts
    if field.kind == "date":
        return moments_of([field.name]) is not None
    return field.kind == "number" and field_of_cells("", [field.name]).kind == "number"


def _example_names(fields: Sequence[Field]) -> list[str]:
    names = {"date": "date", "number": "value", "label": "label", "truth": "label"}
    first = [names.get(field.kind, "text") for field in fields]
    return [
        name if first.count(name) == 1 else f"{name}{first[:i].count(name) + 1}"
        for i, name in enumerate(first)
    ]


def _check_commas(
    sample: Sample, delimiter: str, fields: Sequence[Field], lines: list[int]
) -> None:
    """Refuse columns that would be numbers, were their commas points."""
    for field in fields:
        texts = field.present if field.kind in ("text", "label") else []
        if texts and all(DECIMAL_COMMA.match(text) or text.isdigit() for text in texts):
            row = next(i for i, value in enumerate(field.values) if value and "," in value)
            plain = PurePath(sample.plain_name)
            copy = f"{plain.stem}-points{plain.suffix}"
            command = (
                f"tr , . < {quote(sample.name)} > {quote(copy)} writes a copy that can be read"
            )
            raise DataError(
                f"column {field.name!r} has numbers with a decimal comma",
                code="DAT112",
                position=sample.at(lines[row]),
                key=field.name,
                value=field.values[row],
                hint="write a point"
                + ("" if delimiter == "," or sample.packed else f": {command}"),
            )


def read_parquet(sample: Sample) -> Table:
    """The columns of a Parquet file, read from the file itself, not from the sample.

    Raises:
        EnvironmentMissingError: pyarrow is not installed.
        DataError: a damaged file, or one without rows.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise EnvironmentMissingError(
            "Parquet files are read by pyarrow, which is not installed",
            code="ENV101",
            hint='pip install "rnnexp[parquet]"',
        ) from None
    try:
        with parquet.ParquetFile(sample.path) as opened:
            total = opened.metadata.num_rows
            batch = next(opened.iter_batches(MOST_ROWS), None)
    except (pyarrow.ArrowException, OSError) as error:
        why = str(error).splitlines()[0][:200]
        message = f"cannot be read as Parquet: {why}"
        raise DataError(message, code="DAT128", position=sample.at()) from None
    if batch is None or not len(batch):
        raise DataError("the file has no rows", code="DAT105", position=sample.at())
    columns = batch.to_pydict()
    fields = [field_of_cells(name, list(map(_cell, cells))) for name, cells in columns.items()]
    return Table(
        sample, "parquet", tuple(fields), list(range(1, len(batch) + 1)), total, f"{total:,}"
    )


def _cell(value: Any) -> str:
    """A value of a Parquet column as a CSV file would spell it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else str(value)
