"""`source: text`: a UTF-8 text file, read as one stream of characters, words or byte pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnnexp.config.config import Config
from rnnexp.config.data_settings import PythonDocs, Text
from rnnexp.data import corpus as stored
from rnnexp.data.corpus import Corpus, encoded
from rnnexp.data.dataset import Dataset, Sequences, Tokens
from rnnexp.data.encoding import Vocabulary
from rnnexp.data.reading_files import StreamedFile, read_small_file
from rnnexp.data.splits import SPLITS, consecutive
from rnnexp.errors import DataError

__all__ = ["load", "stream_of"]

STREAMED = 32 << 20
"""bytes of text from which on it is not held: with its ids, eight bytes each, it would take
half a gigabyte, where reading windows of a file takes no longer than a training step can spare"""
PIECE = 1 << 20
Cut = Callable[[int, int], Sequences]


def load(config: Config, data: Text) -> Dataset:
    """Read the text and predict every next unit of it."""
    file = read_small_file(config, "data.path", STREAMED)
    if file is None:
        return _streamed(config, data, StreamedFile(config, "data.path"))
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

    def pieces() -> Iterator[str]:
        return (text[i : i + PIECE] for i in range(0, len(text), PIECE))

    corpus = Corpus(config, data, pieces)
    length = corpus.measure()
    vocabulary = corpus.fit(length)
    sizes, parts = [0] * len(SPLITS), [np.empty(0, np.int64)]
    for part, some in corpus.encode(vocabulary, length):
        sizes[part] += len(some)
        parts.append(some)
    ids = np.concatenate(parts)

    def cut(start: int, stop: int) -> Sequences:
        return consecutive(ids, start, stop, data.window, 1)

    return _dataset(config, data, vocabulary, sizes, cut, record)


def _streamed(config: Config, data: Text, file: StreamedFile) -> Dataset:
    """The same of a file that is never held whole: its ids lie in the cache."""
    next(file.text())  # what is no text is told at once, not after gigabytes
    record = file.record()
    found = encoded(Corpus(config, data, file.text), record["sha256"])

    def cut(start: int, stop: int) -> Sequences:
        return stored.consecutive(found.ids, start, stop, data.window)

    ids = {"path": str(found.ids.path), "state": found.state}
    record = {"files": [record], "ids": ids}
    notes = (f"the ids of {file.name} were {found.state}",) if found.mended else ()
    dataset = _dataset(config, data, found.vocabulary, found.sizes, cut, record)
    return replace(dataset, notes=notes)


def _dataset(  # noqa: PLR0917
    config: Config,
    data: Text | PythonDocs,
    vocabulary: Vocabulary,
    sizes: Sequence[int],
    cut: Cut,
    record: Mapping[str, Any],
) -> Dataset:
    _check_length(config, data, sizes)
    val, test, end = np.cumsum(sizes).tolist()
    tokens = Tokens(len(vocabulary), vocabulary)
    return Dataset(
        data.source,
        "many_to_many",
        cut(0, val),
        cut(val, test),
        cut(test, end),
        inputs=tokens,
        outputs=tokens,
        consecutive=True,
        record={**record, "units": end},
    )


def _check_length(config: Config, data: Text | PythonDocs, sizes: Sequence[int]) -> None:
    if sizes[0] >= data.window + 1:
        return
    key = "data.path" if data.source == "text" else "data.window"
    unit = "byte pair" if data.unit == "bpe" else data.unit
    raise DataError(
        f"the training part has {sizes[0]:,} of the text's {sum(sizes):,} {unit}s; "
        f"window {data.window} needs at least {data.window + 1:,}: would train 0 steps",
        code="DAT141",
        position=config.where(key),
        key=key,
        hint="a shorter window, more text, or a larger data.split.train",
    )
