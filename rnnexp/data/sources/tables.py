"""The two small tables shipped with rnnexp: yearly sunspots, monthly airline passengers."""

from __future__ import annotations

from importlib.resources import files

from rnnexp.config.config import Config
from rnnexp.config.data_settings import AirlinePassengers, Sunspots
from rnnexp.data.dataset import Dataset
from rnnexp.data.reading_files import SourceFile
from rnnexp.data.series import windows_of
from rnnexp.data.sources.csv_table import read_table

__all__ = ["load"]

COLUMNS = {"sunspots": "sunspots", "airline_passengers": "passengers"}


def load(config: Config, data: Sunspots | AirlinePassengers) -> Dataset:
    """Read a shipped table and cut it into windows."""
    name = f"{data.source}.csv"
    raw = files("rnnexp.data").joinpath("tables", name).read_bytes()
    asked, least = config.where("data.source"), data.window + data.horizon
    table = read_table(SourceFile(f"rnnexp/{name}", raw), (COLUMNS[data.source],), asked, least)
    return windows_of(config, data, table)
