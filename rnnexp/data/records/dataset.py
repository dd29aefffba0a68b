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
from rnnexp.config.schema.data import Records
from rnnexp.data.dataset import Dataset, Ints, Sequences
from rnnexp.data.records.encoding import Spec, encode, fit, pad
from rnnexp.data.records.example import Example
from rnnexp.data.records.field import Field
from rnnexp.data.records.rows import Row, read_rows
from rnnexp.data.records.target import target_unit
from rnnexp.data.splits import SPLITS, at_random
from rnnexp.errors import DataError

__all__ = ["Part", "dataset_of"]

Fields = tuple[Field, Field]
Specs = tuple[Spec, Spec]
Parts = tuple[list[Row], list[Row], list[Row]]


@dataclass(frozen=True)
class Part:
    """The examples of one file (or pair of files), and what `data.json` says about the files."""

    examples: list[Example]
    files: tuple[dict[str, Any], ...]


def dataset_of(config: Config, data: Records, read: Sequence[Part]) -> Dataset:
    """Encode one part and split it at random, or encode three that are split already.

    Raises:
        DataError: examples that cannot be used, that do not fit each other, or too few of them.
    """
    examples = [part.examples for part in read]
    fields = _fields(config, data, [example for part in examples for example in part])
    rows = [read_rows(data, fields, part) for part in examples]
    parts = _split(data, rows[0]) if len(rows) == 1 else (rows[0], rows[1], rows[2])
    shared = _check_overlap(config, data, parts)
    _check_not_empty(config, parts)
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
        record={
            "files": [file for part in read for file in part.files],
            "examples_dropped": sum(map(len, examples)) - sum(map(len, parts)),
            "examples_in_two_splits": shared,
        },
    )


def _fields(config: Config, data: Records, examples: Sequence[Any]) -> Fields:
    shape = shape_of(config.experiment.task)
    unit = target_unit(config, data, [example.target for example in examples])
    closed = shape in ("one_to_many", "delayed") and unit != "number"
    return (
        Field("inputs", _name(data, "inputs"), data.unit, many=shape != "one_to_many"),
        Field("target", _name(data, "target"), unit, many=shape != "many_to_one", closed=closed),
    )


def _name(data: Records, side: str) -> str:
    """What the source calls one side of its examples, for messages."""
    name = getattr(data, side, side)
    return name if isinstance(name, str) else side


def _split(data: Records, rows: list[Row]) -> Parts:
    """Shuffle the examples; equal ones stay together, unless they may overlap."""
    names = [i if data.allow_overlap else row.fingerprint for i, row in enumerate(rows)]
    train, val, test = (
        [rows[i] for i in part] for part in at_random(names, data.split, data.split_seed)
    )
    return train, val, test


def _check_overlap(config: Config, data: Records, parts: Parts) -> int:
    """How many validation and test examples stand in another split too.

    Raises:
        DataError: there are some, and the config does not allow it.
    """
    seen: dict[bytes, Row] = {}
    shared: list[tuple[Row, Row]] = []
    for part in parts:
        shared += [(row, seen[row.fingerprint]) for row in part if row.fingerprint in seen]
        seen |= {row.fingerprint: row for row in part}
    if shared and not data.allow_overlap:
        row, other = shared[0]
        raise DataError(
            f"{len(shared):,} examples stand in more than one split; this one also in "
            f"{other.example.position}",
            code="DAT143",
            position=row.example.position,
            key="data.allow_overlap",
            value=False,
            hint="data.allow_overlap: true accepts that",
        )
    return len(shared)


def _check_not_empty(config: Config, parts: Parts) -> None:
    for name, part in zip(SPLITS, parts, strict=True):
        if not part:
            raise DataError(
                f"the {name} split has 0 of {sum(map(len, parts)):,} examples"
                + (": would train 0 steps" if name == "train" else ""),
                code="DAT142",
                position=config.where(f"data.split.{name}"),
                key=f"data.split.{name}",
                hint=f"more different examples, or a larger data.split.{name}; equal ones stay "
                "together unless data.allow_overlap is true",
            )


def _fit(config: Config, data: Records, fields: Fields, parts: Parts, side: int) -> Spec:
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
    config: Config, field: Field, spec: Spec, values: list[tuple[Row, Any]]
) -> tuple[NDArray[Any], Ints | None]:
    arrays = [encode(field, spec, row.example, value) for row, value in values]
    if field.many:
        return pad(config, arrays)
    return np.concatenate(arrays), None
