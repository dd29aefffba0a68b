"""From what the examples hold to arrays: sizes, vocabularies and scalers of the training part.

Shape letters: N examples, T steps, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Records
from rnnexp.data.corpus import fit_pairs
from rnnexp.data.dataset import Answer, Floats, Ints, Tokens, Values, Words
from rnnexp.data.encoding import Scaler, Spelling, Vocabulary
from rnnexp.data.memory import check_memory
from rnnexp.data.records.examples import Example, Field
from rnnexp.data.units import Spacing, Units, plain_units
from rnnexp.data.units import Words as WordUnits
from rnnexp.errors import DataError

__all__ = ["check_known", "encode", "fit", "pad"]

END = "<end>"
MOST_IDS = 1_000_000
"""as many as data.vocabulary and data.classes allow"""
Column = Sequence[tuple[Example, Any]]


def fit(config: Config, data: Records, field: Field, train: Column, everything: Column) -> Answer:
    """What one side of the examples is made of, from the training part.

    Raises:
        DataError: `everything` has examples that do not fit in.
    """
    if field.unit == "number":
        return _fit_values(data, field, train, everything)
    if field.unit == "id":
        return _fit_ids(data, field, train, everything)
    if field.unit == "bpe":
        return _fit_pairs(config, data, field, train)
    return _fit_texts(config, data, field, train)


def check_known(field: Field, spec: Answer, example: Example, value: Any) -> None:
    """Hold what was read against a spec that was fitted before.

    Raises:
        DataError: another number of features, or an id beyond those of training.
    """
    if isinstance(spec, Values):
        if value.shape[1] != spec.size:
            raise DataError(
                f"{field.key!r}: {value.shape[1]} features a step; the network knows {spec.size}",
                code="DAT124",
                position=example.position,
                key=field.key,
            )
    elif field.unit == "id":
        size = spec.size - field.closed
        if len(value) and (value.min() < 0 or value.max() >= size):
            column = [(example, value)]
            raise _out_of_range(field, example, value, size=size, given=None, everything=column)


def encode(field: Field, spec: Answer, example: Example, value: Any) -> Floats | Ints:
    """(T, F) float32, (T,) int64 or, of words with their characters, (T, 1 + W) of one example.

    Raises:
        DataError: a label that the training part never shows.
    """
    if isinstance(spec, Values):
        with np.errstate(over="ignore"):  # an overflow is reported with the finished data set
            return spec.scaler.apply(value) if spec.scaler else value.astype(np.float32)
    ids = value + field.closed if field.unit == "id" else _look_up(field, spec, example, value)
    if isinstance(spec, Words):
        return np.column_stack([ids, spec.spelling.encode(value)])
    return np.append(ids, 0) if field.closed else ids


def pad(config: Config, arrays: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], Ints | None]:
    """Rows (N, T, ...) padded with zeros, and lengths (N,) where they differ.

    Raises:
        MemoryExceededError: one long example would blow up all rows.
    """
    lengths = np.array([len(array) for array in arrays], dtype=np.int64)
    shape = (len(arrays), int(lengths.max()), *arrays[0].shape[1:])
    what = f"{shape[0]:,} examples padded to {shape[1]:,} steps"
    needed = int(np.prod(shape, dtype=np.float64)) * arrays[0].itemsize
    check_memory(needed, what, config.where("data.path"), "data.path")
    rows = np.zeros(shape, arrays[0].dtype)
    for row, array in zip(rows, arrays, strict=True):
        row[: len(array)] = array
    return rows, None if (lengths == shape[1]).all() else lengths


def _fit_values(data: Records, field: Field, train: Column, everything: Column) -> Values:
    size = train[0][1].shape[1]
    for example, value in everything:
        if value.shape[1] != size:
            raise DataError(
                f"{field.key!r}: {value.shape[1]} features, but {train[0][0].place} of "
                f"{train[0][0].file} has {size}",
                code="DAT124",
                position=example.position,
                key=field.key,
            )
    if data.scale == "none":
        return Values(size)
    return Values(
        size, scaler=Scaler.fit(data.scale, np.concatenate([v for _, v in train], dtype=np.float64))
    )


def _fit_ids(data: Records, field: Field, train: Column, everything: Column) -> Tokens:
    """As many ids as the config says, or up to the largest one of the training part."""
    inputs = field.side == "inputs"
    given = data.vocabulary if inputs else data.classes
    size = given or int(max(value.max(initial=0) for _, value in train)) + 1
    if size > MOST_IDS:
        raise _too_many(field, train)
    for example, value in everything:
        if len(value) and (value.min() < 0 or value.max() >= size):
            raise _out_of_range(
                field, example, value, size=size, given=given, everything=everything
            )
    if not field.closed:
        return Tokens(size)
    return Tokens(size + 1, Vocabulary((END, *map(str, range(size)))), end=0)


def _too_many(field: Field, train: Column) -> DataError:
    """An id so large that the layers for all ids below it would fill the memory."""
    example, ids = next((e, ids) for e, ids in train if ids.max(initial=0) >= MOST_IDS)
    return DataError(
        f"{field.key!r}: id {int(ids.max()):,} would need as many ids below it; ids count from 0",
        code="DAT132",
        position=example.position,
        key=field.key,
        value=int(ids.max()),
        allowed=f"0..{MOST_IDS - 1}",
        hint="number the ids without gaps, or write them as text and read them as data.unit or "
        "data.target_unit: label",
    )


def _out_of_range(
    field: Field, example: Example, ids: Ints, *, size: int, given: int | None, everything: Column
) -> DataError:
    step = int(np.flatnonzero((ids < 0) | (ids >= size))[0])
    key = "data.vocabulary" if field.side == "inputs" else "data.classes"
    what = "token id" if field.side == "inputs" else "class label"
    at = f" at step {step + 1}" if field.many else ""
    known = f"{key} is {size}" if given else f"the training part has only 0..{size - 1}"
    seen = _listed([str(i) for i in np.unique(np.concatenate([value for _, value in everything]))])
    return DataError(
        f"{field.key!r}: {what} {ids[step]}{at}, but {known}; seen in the data: {seen}",
        code="DAT132" if field.side == "inputs" else "DAT131",
        position=example.position,
        key=field.key,
        value=int(ids[step]),
        allowed=f"0..{size - 1}",
        hint=f"ids count from 0; {key} says how many there are",
    )


def _fit_texts(config: Config, data: Records, field: Field, train: Column) -> Tokens:
    """The units of the training part; an unknown one too, but not among labels to choose from."""
    labels = field.side == "target" and field.unit == "label" and not field.closed
    units = [unit for _, value in train for unit in field.folded(value)]
    vocabulary = Vocabulary.fit(
        units,
        most=None if labels else data.max_vocabulary,
        least=1 if labels else data.min_count,
        first=(END,) if field.closed else (),
        unknown=not labels,
        text=_text(field, train),
    )
    names = sorted(set(units))
    if field.side == "target" and data.classes not in (None, len(names)):
        raise DataError(
            f"data.classes is {data.classes}, but the training part has {len(names)} "
            f"{field.unit}s: {_listed(names)}",
            code="DAT131",
            position=config.where("data.classes"),
            key="data.classes",
            value=data.classes,
        )
    if field.side == "inputs" and config.experiment.model.characters is not None:
        return Words(len(vocabulary), vocabulary, spelling=_spelling(train))
    return Tokens(len(vocabulary), vocabulary, end=0 if field.closed else None)


def _text(field: Field, train: Column) -> Units | None:
    """How the units become text again; between words as mostly in the training part."""
    if field.unit == "label":
        return None
    if field.unit == "word":
        return WordUnits(Spacing.fit(field.text(example, value) for example, value in train))
    return plain_units(field.unit)


def _spelling(train: Column) -> Spelling:
    """The characters of the words as they stand, also where they are looked up in lower case."""
    return Spelling.fit(word for _, value in train for word in value)


def _fit_pairs(config: Config, data: Records, field: Field, train: Column) -> Tokens:
    """Byte pairs of the training part; there is no unknown one, as every byte is a unit."""
    assert data.pieces is not None, "the config was not checked"
    key = "data.unit" if field.side == "inputs" else "data.target_unit"
    pairs = fit_pairs(config, key, (text for _, value in train for text in value), data.pieces)
    vocabulary = Vocabulary((*((END,) if field.closed else ()), *pairs.pieces), None, pairs)
    return Tokens(len(vocabulary), vocabulary, end=0 if field.closed else None)


def _look_up(field: Field, spec: Tokens, example: Example, value: list[str]) -> Ints:
    assert spec.vocabulary is not None
    if field.unit == "bpe":
        return spec.vocabulary.encode_text("".join(value))
    try:
        return spec.vocabulary.encode(field.folded(value))
    except KeyError as error:
        raise DataError(
            f"{field.key!r}: label {error.args[0]!r} never occurs in the training part",
            code="DAT133",
            position=example.position,
            key=field.key,
            value=error.args[0],
            allowed=_listed(spec.vocabulary.units),
            hint="another data.split_seed may help, or more examples of that label",
        ) from None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f", ... ({len(names)} in all)" if len(names) > 20 else "")
