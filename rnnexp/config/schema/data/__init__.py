"""`data:` where the sequences come from and how they are cut, split and scaled.

`source` chooses the class; a key of another source is an unknown key here.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rnnexp.config.schema.data.arrays import Digits
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
from rnnexp.config.schema.data.records import Jsonl, Records
from rnnexp.config.schema.data.series import AirlinePassengers, Csv, Series, SineMixture, Sunspots
from rnnexp.config.schema.data.split import Split
from rnnexp.config.schema.data.text import PythonDocs, Text, TextCorpus

__all__ = [
    "Adding",
    "AirlinePassengers",
    "CopyMemory",
    "Csv",
    "Data",
    "DelayedEcho",
    "Digits",
    "Jsonl",
    "PythonDocs",
    "Records",
    "ReversedAddition",
    "Running",
    "Series",
    "SineMixture",
    "Split",
    "Sunspots",
    "Synthetic",
    "TemporalOrder",
    "Text",
    "TextCorpus",
    "Waveforms",
]

Data = Annotated[
    Csv
    | Jsonl
    | Text
    | PythonDocs
    | Sunspots
    | AirlinePassengers
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
