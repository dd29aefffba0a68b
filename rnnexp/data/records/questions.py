"""New inputs without their targets, encoded as the training data of a run were.

Shape letters: T time steps, I input features.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from rnnexp.config.config import Config
from rnnexp.config.schema.data import Records
from rnnexp.data.dataset import Answer, Floats, Image, Ints, Tokens, Values
from rnnexp.data.records.encoding import check_known, encode
from rnnexp.data.records.example import Example
from rnnexp.data.records.field import Field, Read, Unit
from rnnexp.data.signature import Signature
from rnnexp.data.sources.json_lines import object_of, value_of
from rnnexp.errors import CommandError, DataError, Position

__all__ = ["Question", "QuestionReader"]

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
