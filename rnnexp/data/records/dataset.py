"""From examples to a data set: read, split, fit on the training part, encode, pad.

Both directions, all units, variable lengths. Every source of `records` ends here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.compatibility import compares_texts, shape_of
from rnnexp.config.config import Config
from rnnexp.config.schema.data import Folder, Images, Records, Unit
from rnnexp.data.dataset import Answer, Dataset, Ints, Sequences
from rnnexp.data.records.encoding import check_known, encode, fit, pad
from rnnexp.data.records.example import Example
from rnnexp.data.records.field import Field
from rnnexp.data.records.rows import Row, read_rows
from rnnexp.data.records.splitting import (
    Parts,
    check_not_empty,
    check_overlap,
    parted,
    without_repeated,
)
from rnnexp.data.records.target import target_unit

__all__ = ["Part", "dataset_of", "sequences_of"]

Fields = tuple[Field, Field]
Specs = tuple[Answer, Answer]
TEXTS = ("character", "word")


@dataclass(frozen=True)
class Part:
    """The examples of one file (or pair of files), and what `data.json` says about the files."""

    examples: list[Example]
    files: tuple[dict[str, Any], ...]


def dataset_of(config: Config, data: Records, read: Sequence[Part]) -> Dataset:
    """Split what was read (one file, a file and its test, or three files), fit and encode it.

    Raises:
        DataError: examples that cannot be used, that do not fit each other, or too few of them.
    """
    examples = [part.examples for part in read]
    asked = target_unit(config, data, [e.target for part in examples for e in part])
    fields = _fields(config, data, asked)
    rows = [read_rows(data, fields, part) for part in examples]
    label = 0 if config.experiment.task.kind == "one_to_many" else 1
    parts = parted(data, without_repeated(data, rows, label), label)
    shared = check_overlap(data, parts)
    check_not_empty(config, parts)
    specs = (_fit(config, data, fields, parts, 0), _fit(config, data, fields, parts, 1))
    train, val, test = (_sequences(config, fields, specs, part) for part in parts)
    return Dataset(
        data.source,  # type: ignore[attr-defined]
        shape_of(config.experiment.task),
        train,
        val,
        test,
        inputs=specs[0],
        outputs=specs[1],
        units=(fields[0].unit, fields[1].unit),
        record={
            "files": [file for part in read for file in part.files],
            "examples_dropped": sum(map(len, examples)) - sum(map(len, parts)),
            "examples_in_two_splits": shared,
        },
    )


def sequences_of(
    config: Config, data: Records, specs: Specs, asked: Unit, examples: Sequence[Example]
) -> Sequences:
    """New examples with their targets, encoded by specs that were fitted before.

    asked: what a step of a target was read as in training.

    Raises:
        DataError: examples that cannot be used, or do not fit the specs.
    """
    fields = _fields(config, data, asked)
    rows = read_rows(data, fields, examples)
    for row in rows:
        for field, spec, value in zip(fields, specs, row.values, strict=True):
            check_known(field, spec, row.example, value)
    return _sequences(config, fields, specs, rows)


def _fields(config: Config, data: Records, asked: Unit) -> Fields:
    shape = shape_of(config.experiment.task)
    unit: Unit = data.unit
    if isinstance(data, Folder):  # its unit is that of the text, whichever side the text is
        unit, asked = (unit, "label") if shape == "many_to_one" else ("label", unit)
    elif isinstance(data, Images):
        unit, asked = "number", unit
    closed = shape in ("one_to_many", "delayed") and asked != "number"
    inputs = Field(
        "inputs",
        _name(data, "inputs"),
        unit,
        many=shape != "one_to_many",
        lowercase=data.lowercase,
    )
    target = Field(
        "target",
        _name(data, "target"),
        asked,
        many=shape != "many_to_one",
        closed=closed,
        lowercase=data.lowercase and asked in TEXTS,
    )
    return inputs, target


def _name(data: Records, side: str) -> str:
    """What the source calls one side of its examples, for messages."""
    name = getattr(data, side, side)
    return name if isinstance(name, str) else side


def _fit(config: Config, data: Records, fields: Fields, parts: Parts, side: int) -> Answer:
    train, everything = (
        [(row.example, row.values[side]) for row in rows] for rows in (parts[0], chain(*parts))
    )
    return fit(config, data, fields[side], train, everything)


def _sequences(config: Config, fields: Fields, specs: Specs, rows: list[Row]) -> Sequences:
    """The arrays of one split."""
    inputs, targets = (
        _array(config, fields[side], specs[side], [(row, row.values[side]) for row in rows])
        for side in (0, 1)
    )
    origin = np.array([row.example.line for row in rows])
    if shape_of(config.experiment.task) == "delayed":
        texts = None
        if compares_texts(config.experiment):
            texts = tuple(fields[1].text(row.example, row.values[1]) for row in rows)
        return Sequences(inputs[0], targets[0], targets[1], inputs[1], origin=origin, texts=texts)
    lengths = inputs[1] if fields[0].many else targets[1]
    return Sequences(inputs[0], targets[0], lengths, origin=origin)


def _array(
    config: Config, field: Field, spec: Answer, values: list[tuple[Row, Any]]
) -> tuple[NDArray[Any], Ints | None]:
    arrays = [encode(field, spec, row.example, value) for row, value in values]
    if field.many:
        return pad(config, arrays)
    return np.concatenate(arrays), None
