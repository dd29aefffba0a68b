"""`data:` numeric time series, cut into windows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnnexp.config.schema.data.split import Seed, Split, Steps
from rnnexp.config.schema.section import FilePath, Section

__all__ = [
    "AirlinePassengers",
    "ColumnSeries",
    "Csv",
    "Parquet",
    "Series",
    "SineMixture",
    "Sunspots",
]


class Series(Section):
    """A numeric time series cut into windows; split in time, scaled by the training part."""

    window: Steps = 32
    """T, input time steps per example"""
    horizon: Annotated[int, Field(ge=1, le=10_000)] = 1
    """how many steps after the window's last input the target lies"""
    split: Split = Split()
    """chronological shares; a window belongs to the split of its target"""
    scale: Literal["standard", "minmax", "none"] = "standard"
    """scaling of every column, fitted on the training part only"""
    log: bool = False
    """take the natural logarithm before scaling (positive values only)"""
    season: Annotated[int, Field(ge=2, le=100_000)] | None = None
    """period in steps; adds the seasonal-naive baseline"""


class ColumnSeries(Series):
    """Columns of a table, one row per time step, oldest first."""

    path: FilePath
    """the file, relative to the config that names it, or `data:NAME` of `rnnexp data ls`"""
    value: str | tuple[str, ...]
    """the column, or columns, to read and to predict"""
    inputs: Annotated[tuple[str, ...], Field(max_length=1000)] = ()
    """further columns to read, not predicted: numbers, or categories (text), read as one-hot"""
    id: str | None = None
    """the column that names the series of a row, where a file holds several; each is split and cut
    by itself"""
    nan: Literal["error", "drop"] = "error"
    """rows with a blank, NaN or infinite value: refuse the file, or drop those rows"""

    @property
    def value_columns(self) -> tuple[str, ...]:
        """The columns to predict, one or several."""
        return (self.value,) if isinstance(self.value, str) else self.value


class Csv(ColumnSeries):
    """A CSV or TSV file, one row per time step, oldest first."""

    source: Literal["csv"]
    """`csv`: a CSV or TSV file of yours, one row per time step"""


class Parquet(ColumnSeries):
    """A Parquet file, one row per time step, oldest first (extra `parquet`)."""

    source: Literal["parquet"]
    """`parquet`: a Parquet file of yours, one row per time step (extra `parquet`)"""


class Sunspots(Series):
    """Yearly sunspot numbers 1700-2008, shipped with rnnexp."""

    source: Literal["sunspots"]
    """`sunspots`: yearly sunspot numbers 1700-2008 (shipped)"""


class AirlinePassengers(Series):
    """Monthly airline passengers 1949-1960 (Box and Jenkins, series G), shipped with rnnexp."""

    source: Literal["airline_passengers"]
    """`airline_passengers`: monthly totals in thousands, 1949-1960 (shipped)"""


class SineMixture(Series):
    """A sum of sine waves with random periods, amplitudes and phases, plus noise."""

    source: Literal["sine_mixture"]
    """`sine_mixture`: generated series, a sum of sine waves plus noise"""
    length: Annotated[int, Field(ge=16, le=10_000_000)] = 5000
    """time steps of the series"""
    waves: Annotated[int, Field(ge=1, le=64)] = 3
    """how many sine waves are added up"""
    noise: Annotated[float, Field(ge=0, le=10)] = 0.1
    """standard deviation of the Gaussian noise"""
    seed: Seed = 0
    """seed of the generator, apart from the experiment's, so that seeds compare on the same data"""
