"""Image files as inputs of a network that writes a sequence for an image.

Shape letters: T time steps, I input features.
Shape letters: C channels, H height, W width.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.compatibility import compares_texts, shape_of, target_of
from rnnexp.config.config import Config
from rnnexp.config.data_settings import Folder, Images, Records, Split, Unit
from rnnexp.data.dataset import Answer, Dataset, Floats, Image, Ints, Sequences, Tokens, Values
from rnnexp.data.image_file import open_image
from rnnexp.data.records.examples import Example, Field, Read, Row, digest, read_rows
from rnnexp.data.records.record_encoding import check_known, encode, fit, pad
from rnnexp.data.signature import Signature
from rnnexp.data.sources.json_lines import object_of, value_of
from rnnexp.data.splits import SPLITS, Fold, at_random
from rnnexp.errors import CommandError, DataError, Position

__all__ = [
    "PICTURES",
    "Part",
    "PictureReader",
    "Question",
    "QuestionReader",
    "dataset_of",
    "sequences_of",
]


# Which examples train, validate and test: repeated ones, folds, and what stands in two splits.

Parts = tuple[list[Row], list[Row], list[Row]]


def parted(data: Records, files: Sequence[list[Row]], label: int = 1) -> Parts:
    """Train, val and test of one file, of a file and its test, or of three files.

    Equal examples of one file stay together, unless they may overlap; so do the captions of an
    image. label: the side (0 the input, 1 the target) that has the classes of `data.stratify`.
    """
    if len(files) == 3:
        return files[0], files[1], files[2]
    rows = files[0]
    names: list[Hashable] = list(range(len(rows)))
    if not data.allow_overlap:
        whole = isinstance(data, Images)
        names = [_side(row, 0) if whole else row.fingerprint for row in rows]
    strata = [_side(row, label) for row in rows] if data.stratify else None
    split, fold = data.split, None
    if len(files) == 2:
        split = _without_test(split)
    if data.folds is not None and data.fold is not None:
        fold = Fold(data.folds, data.fold)
    train, val, test = (
        [rows[i] for i in part] for part in at_random(names, split, data.split_seed, strata, fold)
    )
    return train, val, files[1] if len(files) == 2 else test


def without_repeated(data: Records, files: Sequence[list[Row]], label: int = 1) -> list[list[Row]]:
    """Leave out what `data.ambiguous` and `data.duplicates` say; `label` as in `parted`.

    Of equal examples in two files the later file's stays, so that a test never shrinks.
    """
    kept = [list(rows) for rows in files]
    if data.ambiguous == "drop":
        pairs = {(_side(row, 1 - label), _side(row, label)) for row in chain(*kept)}
        count = Counter(other for other, _ in pairs)
        kept = [[row for row in rows if count[_side(row, 1 - label)] == 1] for rows in kept]
    if data.duplicates == "drop":
        seen: set[bytes] = set()
        for number in reversed(range(len(kept))):
            first = {row.fingerprint: row for row in reversed(kept[number])}
            kept[number] = [
                row
                for row in kept[number]
                if row is first[row.fingerprint] and row.fingerprint not in seen
            ]
            seen |= first.keys()
    return kept


def check_overlap(data: Records, parts: Parts) -> int:
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
            hint="data.duplicates: drop leaves them out of training; data.allow_overlap: true "
            "accepts them",
        )
    return len(shared)


def check_not_empty(config: Config, parts: Parts) -> None:
    """Refuse a split without examples.

    Raises:
        DataError: one of the three has none.
    """
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


def _side(row: Row, side: int) -> Hashable:
    """The input (0) or the target (1) of an example, as something that can be counted."""
    value = row.values[side]
    return tuple(value) if isinstance(value, list) else digest(value)


def _without_test(split: Split) -> Split:
    """The shares of training and validation where the test has a file of its own."""
    both = split.train + split.val
    return Split(train=split.train / both, val=split.val / both, test=0.0)


# What the targets of a JSONL file are, where `data.target_unit` does not say it.


def target_unit(config: Config, data: Records, targets: Sequence[Any]) -> Unit:
    """The configured unit, or what the task and the JSON values say.

    Delayed targets are made of what the inputs are made of. Regression reads numbers. In a
    classification whole numbers are class ids; text is a label where there is one answer and in
    lists, otherwise a sequence of characters; true and false are labels.
    """
    if data.target_unit:
        return data.target_unit
    if shape_of(config.experiment.task) == "delayed":
        return data.unit
    if target_of(config.experiment) == "regression":
        return "number"
    kinds = {kind for target in targets for kind in _kinds(target)}
    one = config.experiment.task.kind == "many_to_one"
    if str in kinds and not one and list not in map(type, targets):
        return "character"
    return "label" if kinds & {str, bool} else "id"


def _kinds(target: Any) -> set[type]:
    """The types of the values in a target, be it one or a list."""
    return set(map(type, target)) if type(target) is list else {type(target)}


# From examples to a data set: read, split, fit on the training part, encode, pad.
#
# Both directions, all units, variable lengths. Every source of `records` ends here.

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


# New inputs without their targets, encoded as the training data of a run were.

TEXT_UNITS = ("character", "word")
OBJECTS = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True)
class Question:
    """One input: (T, I) float32 or (T,) int64, or one row of it where inputs have no steps.

    given: what was read, as JSON has it. steps: the pieces of a text, one a time step, or None.
    unknown: pieces that the training part never showed.
    """

    line: int
    given: Any
    array: Floats | Ints
    steps: list[str] | None = None
    unknown: tuple[str, ...] = ()


class QuestionReader:
    """Reads inputs as the config says and encodes them as the signature says."""

    def __init__(self, config: Config, signature: Signature) -> None:
        if isinstance(signature.inputs, Image):
            raise CommandError(
                "this run reads pictures, which cannot be given as text",
                code="CMD114",
                hint="rnnexp predict RUN FILE reads an image file",
            )
        data, self.spec = config.experiment.data, signature.inputs
        key = getattr(data, "inputs", None)
        self.longest = data.max_length if isinstance(data, Records) else None
        self.field = Field(
            "inputs",
            key if isinstance(key, str) else "inputs",
            cast("Unit", signature.units[0] or _unit_of(signature.inputs)),
            many=signature.shape != "one_to_many",
            lowercase=isinstance(data, Records) and data.lowercase,
        )

    @property
    def needs_json(self) -> bool:
        """Whether an input is numbers or ids, rather than text or labels parted by blanks."""
        return self.field.unit in ("number", "id")

    def of_lines(self, lines: Iterable[tuple[int, str]], name: str) -> Iterator[Question]:
        """One question a line. Raises DataError: a line that holds no input for this network."""
        for number, line in lines:
            yield self.of(self.value(name, number, line), name, number)

    def of(self, value: Any, name: str, line: int = 1) -> Question:
        """The question that a JSON value asks. Raises DataError."""
        example = Example(name, line, value, None)
        read: Read = self.field.read(example)
        read = read[: self.longest] if self.field.many else read
        self._check(example, read)
        array = encode(self.field, self.spec, example, read)
        if isinstance(self.spec, Values) and not np.isfinite(array).all():
            self._refuse(example, "overflows float32 once scaled", "DAT116")
        pieces = read if isinstance(read, list) else None
        return Question(line, value, array, pieces, self._unknown(pieces, array))

    def value(self, name: str, number: int, line: str) -> Any:
        """The input that a line holds, as JSON has it: under its key in an object, or bare.

        A text needs no quotation marks, and labels that hold no blanks may be parted by them.

        Raises:
            DataError: it holds neither.
        """
        start = line.lstrip()[:2]
        if start == '{"' or (name.lower().endswith(OBJECTS) and start[:1] not in ("[", '"')):
            return value_of(name, number, object_of(name, number, line), self.field.key)
        if self.field.unit in TEXT_UNITS and not name.lower().endswith(OBJECTS):
            return line
        if self.field.unit == "label" and start[:1] not in ("[", '"'):
            return line.split() if self.field.many else line.strip()
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            raise DataError(
                "expected JSON: an object in braces, or the bare input",
                code="DAT121",
                position=Position(name, number),
                value=line[:200],
            ) from None

    def _check(self, example: Example, read: Read) -> None:
        if not len(read):
            self._refuse(example, "has length 0", "DAT126")
        check_known(self.field, self.spec, example, read)
        if isinstance(self.spec, Values) and not np.isfinite(np.asarray(read)).all():
            step = int(np.nonzero(~np.isfinite(np.asarray(read)))[0][0]) + 1
            self._refuse(example, f"null, NaN or infinite at step {step}", "DAT113")

    def _refuse(self, example: Example, message: str, code: str) -> None:
        raise DataError(
            f"{self.field.key!r}: {message}",
            code=code,
            position=example.position,
            key=self.field.key,
        )

    def _unknown(self, pieces: list[str] | None, array: Floats | Ints) -> tuple[str, ...]:
        vocabulary = self.spec.vocabulary if isinstance(self.spec, Tokens) else None
        if pieces is None or vocabulary is None or vocabulary.unknown is None:
            return ()
        ids = array if array.ndim == 1 else array[:, 0]  # of words with their characters
        return tuple(
            piece for piece, i in zip(pieces, ids.tolist(), strict=True) if i == vocabulary.unknown
        )


def _unit_of(spec: Answer) -> Unit:
    """How the inputs of a generated source are written: as the network reads them."""
    if isinstance(spec, Values):
        return "number"
    return "id" if spec.vocabulary is None else "label"


# Image files as inputs of a network that writes a sequence for an image.

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")


class PictureReader:
    """Reads images of any size, resized to that of training; (1, C, H, W), brightness 0..1."""

    def __init__(self, image: Image) -> None:
        self.image = image

    def of(self, path: Path, at: Position, key: str) -> Question:
        """The question that an image asks; `at` and `key` say where it is named.

        Raises:
            DataError: no such file, or no image.
            UnsafeError: a symbolic link, or an image too large to decode.
        """
        picture = open_image(path, at, key)
        color: Literal["gray", "rgb"] = "gray" if self.image.channels == 1 else "rgb"
        pixels = picture.pixels(color, (self.image.height, self.image.width))
        return Question(at.line or 1, str(path), pixels[None])

    def of_lines(
        self, lines: Iterable[tuple[int, str]], name: str, folder: Path
    ) -> Iterator[Question]:
        """The image that each line names, relative to a folder."""
        for number, line in lines:
            yield self.of(folder / line.strip(), Position(name, number), "image")
