"""`source: parquet`: columns of a Parquet file, one row per time step, oldest first."""

from __future__ import annotations

from typing import Any

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Parquet
from rnnexp.data.dataset import Dataset
from rnnexp.data.reading_files import read_file
from rnnexp.data.series import windows_of
from rnnexp.data.sources.csv_table import table_of_cells
from rnnexp.data.sources.parquet_file import read_columns
from rnnexp.errors import DataError

__all__ = ["load"]


def load(config: Config, data: Parquet) -> Dataset:
    """Read the columns that the config names and cut them into windows."""
    file, names = read_file(config, "data.path"), (data.value_columns, data.inputs)
    both = [*data.value_columns, *data.inputs]
    asked = [*both, *([data.id] if data.id else [])]
    columns = read_columns(config, file, asked, config.where("data.value"), "data.value")
    cells = [[_text(cell) for cell in column] for column in columns]
    if not cells[0]:
        raise DataError("the file is empty: 0 rows", code="DAT105", position=file.at(1))
    rows = list(range(1, len(cells[0]) + 1))
    fields = list(range(len(both)))
    drop = data.nan == "drop"
    return windows_of(config, data, table_of_cells(file, names, fields, rows, cells, [], drop))


def _text(cell: Any) -> str:
    """As a CSV file would have it; a float keeps all its digits."""
    return "" if cell is None else str(cell)
