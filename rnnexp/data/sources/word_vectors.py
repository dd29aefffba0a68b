"""Pre-trained embeddings from a text file: `word v1 ... vn` a line, as word2vec and GloVe write it.

The file is read line by line; only the vectors of known tokens are kept.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from rnnexp.config.config import Config
from rnnexp.data.dataset import Dataset, Tokens, Vectors
from rnnexp.data.reading_files import StreamedFile
from rnnexp.errors import DataError, Position

__all__ = ["with_word_vectors"]

KEY = "model.pretrained.path"
HEADER = re.compile(r"[0-9]{1,9}\s([0-9]{1,9})")
"""`count size`, which word2vec writes first"""
LONGEST = 1 << 20
"""characters of a line, more than any vector has"""


def with_word_vectors(config: Config, dataset: Dataset) -> Dataset:
    """The data set with the vectors of the tokens that are read, where the config names a file.

    Where a word stands in the file twice, the first one counts.

    Raises:
        DataError: no such file, a line that is no vector, vectors of another size than the
            embedding, or none of the vocabulary's words among them.
    """
    if config.experiment.model.pretrained is None:
        return dataset
    read = dataset.read
    names = read.vocabulary if isinstance(read, Tokens) else None
    assert names is not None, "the config was not checked"
    file, found = StreamedFile(config, KEY), dict[int, list[float]]()
    for word, values in _vectors(config, file):
        if word in names.ids:
            found.setdefault(names.ids[word], [float(each) for each in values])
    if not found:
        raise _none_found(config, file, names.units)
    vectors = Vectors(np.array(list(found), np.int64), np.array(list(found.values()), np.float32))
    record = file.record() | {"found": len(found), "of": read.size}
    return replace(dataset, vectors=vectors, record={**dataset.record, "pretrained": record})


def _vectors(config: Config, file: StreamedFile) -> Iterator[tuple[str, list[str]]]:
    """Every word of the file with the numbers of its vector."""
    size = config.experiment.model.embedding
    assert size is not None, "the config was not checked"
    for number, line in enumerate(_lines(file), start=1):
        fields = line.rstrip(" \r").replace("\t", " ").split(" ")
        if number == 1:
            header = HEADER.fullmatch(line.strip())
            there_is = int(header[1]) if header else _numbers_at_the_end(fields)
            if there_is not in (0, size):
                raise _another_size(config, file, there_is)
            if header:
                continue
        if _numbers_at_the_end(fields) != size:
            raise _no_vector(file, number, line, size)
        yield " ".join(fields[:-size]), fields[-size:]


def _lines(file: StreamedFile) -> Iterator[str]:
    """The lines of the file, never more than a piece of it in memory."""
    rest = ""
    for piece in file.text():
        *lines, rest = (rest + piece).split("\n")
        yield from lines
        if len(rest) > LONGEST:
            break
    if rest:
        yield rest


def _numbers_at_the_end(fields: list[str]) -> int:
    """How many fields after the first are finite numbers, counted from the last one back."""
    count = 0
    for each in reversed(fields[1:]):
        try:
            if not math.isfinite(float(each)):
                break
        except ValueError:
            break
        count += 1
    return count


def _another_size(config: Config, file: StreamedFile, there_is: int) -> DataError:
    size = config.experiment.model.embedding
    return DataError(
        f"model.embedding is {size}, but the vectors of {file.name} have {there_is} numbers",
        code="DAT262",
        position=config.where("model.embedding"),
        key="model.embedding",
        value=size,
        allowed=str(there_is),
        hint=f"write embedding: {there_is}",
    )


def _no_vector(file: StreamedFile, number: int, line: str, size: int) -> DataError:
    return DataError(
        f"expected a word and {size} numbers",
        code="DAT263",
        position=Position(file.name, number),
        value=line[:80],
        allowed="`word v1 ... vn`, separated by blanks",
    )


def _none_found(config: Config, file: StreamedFile, units: tuple[str, ...]) -> DataError:
    words = [repr(word) for word, _ in islice(_vectors(config, file), 5)]
    return DataError(
        f"none of the {len(units):,} tokens of the training part stands in {file.name}",
        code="DAT264",
        position=config.where(KEY),
        key=KEY,
        hint=f"its first words are {', '.join(words) or 'none: it is empty'}; the tokens are"
        f" {', '.join(map(repr, units[:5]))}, ...",
    )
