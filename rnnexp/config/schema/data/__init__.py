"""`data:` where the sequences come from and how they are cut, split and scaled.

`source` chooses the class; a key of another source is an unknown key here.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rnnexp.config.schema.data.arrays import Digits, Idx, Images, Npz
from rnnexp.config.schema.data.generated import (
    Adding,
    CopyMemory,
    DelayedEcho,
    ReversedAddition,
    Running,
    Synthetic,
    TemporalOrder,
    Waveforms,
)
from rnnexp.config.schema.data.records import (
    Conllu,
    CsvRows,
    Folder,
    Jsonl,
    Pairs,
    ParquetRows,
    Records,
    RowTable,
    SplitFiles,
    Unit,
)
from rnnexp.config.schema.data.series import (
    AirlinePassengers,
    ColumnSeries,
    Csv,
    Parquet,
    Series,
    SineMixture,
    Sunspots,
)
from rnnexp.config.schema.data.split import Split
from rnnexp.config.schema.data.text import PythonDocs, Text, TextCorpus

__all__ = [
    "Adding",
    "AirlinePassengers",
    "ColumnSeries",
    "Conllu",
    "CopyMemory",
    "Csv",
    "CsvRows",
    "Data",
    "DelayedEcho",
    "Digits",
    "Folder",
    "Idx",
    "Images",
    "Jsonl",
    "Npz",
    "Pairs",
    "Parquet",
    "ParquetRows",
    "PythonDocs",
    "Records",
    "ReversedAddition",
    "RowTable",
    "Running",
    "Series",
    "SineMixture",
    "Split",
    "SplitFiles",
    "Sunspots",
    "Synthetic",
    "TemporalOrder",
    "Text",
    "TextCorpus",
    "Unit",
    "Waveforms",
]

Data = Annotated[
    Csv
    | Parquet
    | CsvRows
    | ParquetRows
    | Jsonl
    | Folder
    | Pairs
    | Conllu
    | Text
    | PythonDocs
    | Sunspots
    | AirlinePassengers
    | Npz
    | Images
    | Idx
    | Digits
    | Adding
    | CopyMemory
    | TemporalOrder
    | DelayedEcho
    | ReversedAddition
    | Running
    | SineMixture
    | Waveforms,
    Field(discriminator="source"),
]
