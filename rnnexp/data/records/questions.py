"""New inputs without their targets, encoded as the training data of a run were.

Shape letters: T time steps, I input features.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnexp.config.config import Config
from rnnexp.config.schema.data import Records
from rnnexp.data.dataset import Floats, Ints, Tokens, Values
from rnnexp.data.records.encoding import encode
from rnnexp.data.records.example import Example
from rnnexp.data.records.field import Field, Read, Unit
from rnnexp.data.signature import Signature
from rnnexp.data.sources.json_lines import object_of, value_of
from rnnexp.errors import DataError

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
        data = config.experiment.data
        self.spec = signature.inputs
        key = data.inputs if isinstance(getattr(data, "inputs", None), str) else "inputs"  # type: ignore[union-attr]
        unit: Unit = data.unit if isinstance(data, Records) else _unit_of(signature.inputs)
        self.field = Field("inputs", key, unit, many=signature.shape != "one_to_many")

    @property
    def is_text(self) -> bool:
        """Whether an input is one text, which needs no JSON around it."""
        return self.field.unit in TEXT_UNITS

    def of_lines(self, lines: Iterable[tuple[int, str]], name: str) -> Iterator[Question]:
        """One question a line: an object that has the input under its key, a bare JSON value, or
        for runs on texts the line itself.

        Raises:
            DataError: a line that holds no input for this network.
        """
        for number, line in lines:
            yield self.of(self.value(name, number, line), name, number)

    def of(self, value: Any, name: str, line: int = 1) -> Question:
        """The question that a JSON value asks. Raises DataError."""
        example = Example(name, line, value, None)
        read = self.field.read(example)
        self._check(example, read)
        array = encode(self.field, self.spec, example, read)
        if isinstance(self.spec, Values) and not np.isfinite(array).all():
            self._refuse(example, "overflows float32 once scaled", "DAT116")
        pieces = read if isinstance(read, list) else None
        return Question(line, value, array, pieces, self._unknown(pieces, array))

    def value(self, name: str, number: int, line: str) -> Any:
        """The input that a line holds, as JSON has it. Raises DataError."""
        as_object = name.lower().endswith(OBJECTS) or line.lstrip().startswith('{"')
        if self.is_text and not as_object:
            return line
        if line.lstrip().startswith("{"):
            return value_of(name, number, object_of(name, number, line), self.field.key)
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            raise DataError(
                "expected JSON: an object in braces, or the bare input",
                code="DAT121",
                position=Example(name, number, None, None).position,
                value=line[:200],
            ) from None

    def _check(self, example: Example, read: Read) -> None:
        if not len(read):
            self._refuse(example, "has length 0", "DAT126")
        if isinstance(self.spec, Values):
            self._check_numbers(example, np.asarray(read), self.spec.size)
        elif self.field.unit == "id":
            self._check_ids(example, np.asarray(read), self.spec)

    def _check_numbers(self, example: Example, read: Floats, size: int) -> None:
        if read.shape[1] != size:
            self._refuse(
                example,
                f"has {read.shape[1]} features at each step, the network reads {size}",
                "DAT124",
            )
        if not np.isfinite(read).all():
            step = int(np.nonzero(~np.isfinite(read))[0][0]) + 1
            self._refuse(example, f"null, NaN or infinite at step {step}", "DAT113")

    def _check_ids(self, example: Example, ids: Ints, spec: Tokens) -> None:
        odd = np.flatnonzero((ids < 0) | (ids >= spec.size))
        if len(odd):
            message = f"id {ids[odd[0]]} at step {odd[0] + 1}; the network knows 0..{spec.size - 1}"
            self._refuse(example, message, "DAT132")

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
        return tuple(
            piece
            for piece, i in zip(pieces, array.tolist(), strict=True)
            if i == vocabulary.unknown
        )


def _unit_of(spec: Values | Tokens) -> Unit:
    """How the inputs of a generated source are written: as the network reads them."""
    if isinstance(spec, Values):
        return "number"
    return "id" if spec.vocabulary is None else "label"
