"""Columns of a Parquet file (extra `parquet`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnexp.config.config import Config
from rnnexp.data.memory import check_memory
from rnnexp.data.reading_files import SourceFile
from rnnexp.errors import DataError, EnvironmentMissingError, Position, nearest

__all__ = ["read_columns"]

# A Python object takes several times the bytes of the value it holds.
MEMORY_PER_BYTE = 8


def read_columns(
    config: Config, file: SourceFile, names: Sequence[str], asked: Position, key: str
) -> list[list[Any]]:
    """The cells of each column as Python has them, None where one is missing.

    asked, key: where the config asks for the columns, for messages.

    Raises:
        EnvironmentMissingError: pyarrow is not installed.
        DataError: this is no Parquet file, or it has no such column.
        MemoryExceededError: the columns would not fit in memory.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise EnvironmentMissingError(
            "Parquet files are read by pyarrow, which is not installed",
            code="ENV101",
            position=config.where("data.source"),
            key="data.source",
            hint='pip install "rnnexp[parquet]"',
        ) from None
    try:
        opened = parquet.ParquetFile(pyarrow.BufferReader(file.raw))
        _check_names(file, opened.schema_arrow.names, names, asked, key)
        _check_size(config, file, opened.metadata)
        table = opened.read(columns=list(names))
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(
            f"cannot be read as Parquet: {str(error).splitlines()[0][:200]}",
            code="DAT128",
            position=file.at(),
        ) from None
    return [table.column(name).to_pylist() for name in names]


def _check_names(
    file: SourceFile, known: list[str], names: Sequence[str], asked: Position, key: str
) -> None:
    for name in names:
        if known.count(name) != 1:
            raise DataError(
                f"{file.name} has {'no' if name not in known else 'more than one'} column {name!r}",
                code="DAT114",
                position=asked,
                key=key,
                value=name,
                allowed=", ".join(map(repr, known[:20])),
                suggestion=nearest(name, known),
            )


def _check_size(config: Config, file: SourceFile, metadata: Any) -> None:
    """Compressed columns can be far larger than their file."""
    groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
    size = sum(int(group.total_byte_size) for group in groups)
    what = f"{file.name} ({size:,} bytes unpacked)"
    check_memory(size * MEMORY_PER_BYTE, what, config.where("data.path"), "data.path")
