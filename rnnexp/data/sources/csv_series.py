"""`source: csv`: columns of a CSV or TSV file, one row per time step, oldest first."""

from __future__ import annotations

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Csv
from rnnexp.data.dataset import Dataset
from rnnexp.data.reading_files import read_file
from rnnexp.data.series import windows_of
from rnnexp.data.sources.csv_table import read_table

__all__ = ["load"]


def load(config: Config, data: Csv) -> Dataset:
    """Read the columns that the config names and cut them into windows."""
    table = read_table(
        read_file(config, "data.path"),
        data.value_columns,
        config.where("data.value"),
        data.window + data.horizon,
        further=data.inputs,
        series=data.id,
        drop=data.nan == "drop",
    )
    return windows_of(config, data, table)
