"""`source: text`: a UTF-8 text file, read as one stream of characters or words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnexp.config.config import Config
from rnnexp.config.schema.data import PythonDocs, Text
from rnnexp.data.dataset import Dataset, Tokens
from rnnexp.data.encoding import Vocabulary
from rnnexp.data.sources.files import read_file
from rnnexp.data.splits import bounds, chronological
from rnnexp.data.units import split_units
from rnnexp.data.windows import consecutive
from rnnexp.errors import DataError

__all__ = ["load", "stream_of"]


def load(config: Config, data: Text) -> Dataset:
    """Read the text and predict every next unit of it."""
    file = read_file(config, "data.path")
    return stream_of(config, data, file.text(), {"files": [file.record()]})


def stream_of(
    config: Config, data: Text | PythonDocs, text: str, record: Mapping[str, Any]
) -> Dataset:
    """Cut a text into contiguous parts and each part into consecutive windows.

    Every unit but the first is a target exactly once; its input is the unit before it. The
    vocabulary is that of the training part, plus one unit for what it never showed.

    Raises:
        DataError: the training part is shorter than a window.
    """
    units = split_units(text.lower() if data.lowercase else text, data.unit)
    train_units, _ = bounds(len(units), data.split)
    if train_units < data.window + 1:
        key = "data.path" if data.source == "text" else "data.window"
        raise DataError(
            f"the training part has {train_units:,} of the text's {len(units):,} {data.unit}s; "
            f"window {data.window} needs at least {data.window + 1:,}: would train 0 steps",
            code="DAT141",
            position=config.where(key),
            key=key,
            hint="a shorter window, more text, or a larger data.split.train",
        )
    vocabulary = Vocabulary.fit(units[:train_units], most=data.max_vocabulary)
    ids = vocabulary.encode(units)
    splits = chronological(
        len(ids), data.split, lambda start, stop: consecutive(ids, start, stop, data.window, 1)
    )
    tokens = Tokens(len(vocabulary), vocabulary)
    return Dataset(
        data.source,
        "many_to_many",
        *splits,
        inputs=tokens,
        outputs=tokens,
        consecutive=True,
        record={**record, "units": len(units)},
    )
