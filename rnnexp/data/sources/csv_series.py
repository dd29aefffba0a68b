"""`source: csv`: numeric columns of a CSV or TSV file, one row per time step, oldest first."""

from __future__ import annotations

from rnnexp.config.config import Config
from rnnexp.config.schema.data import Csv
from rnnexp.data.dataset import Dataset
from rnnexp.data.series import windows_of
from rnnexp.data.sources.csv_table import read_table
from rnnexp.data.sources.files import read_file

__all__ = ["load"]


def load(config: Config, data: Csv) -> Dataset:
    """Read the columns that `data.value` names and cut them into windows."""
    names = (data.value,) if isinstance(data.value, str) else data.value
    file = read_file(config, "data.path")
    least = data.window + data.horizon
    asked = config.where("data.value")
    return windows_of(config, data, read_table(file, names, asked, least, drop=data.nan == "drop"))
