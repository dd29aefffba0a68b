"""Which field is read and which is predicted, and in what units: the task that examples pose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from rnnexp.drafting.asked import Asked, refuse_task
from rnnexp.drafting.field import LABEL_NAMES, Field, called
from rnnexp.errors import CommandError, DataError

__all__ = ["TARGET_NAMES", "WORDS", "Rows", "Sides", "sides_of"]

Unit = Literal["number", "label", "character", "word"]
Shape = Literal["many_to_one", "one_to_many", "many_to_many", "delayed"]

INPUT_NAMES = (
    "inputs", "input", "text", "sentence", "tokens", "words", "review", "comment", "message",
    "source", "src", "question", "body", "content", "title", "name", "en",
)  # fmt: skip
TARGET_NAMES = (
    *LABEL_NAMES, "targets", "output", "outputs", "labels", "tags", "upos", "pos", "ner", "tgt",
    "answer", "translation", "summary", "rating", "stars", "score", "quality", "species", "result",
)  # fmt: skip
WORDS = 4
"""texts of so many words are read word by word, shorter ones letter by letter"""


class Rows(Protocol):
    """What a table and a file of JSON objects have in common."""

    @property
    def fields(self) -> tuple[Field, ...]: ...
    @property
    def kind(self) -> str: ...
    def field(self, name: str) -> Field: ...


@dataclass(frozen=True)
class Sides:
    """The two sides of the examples and how they are read.

    regression: whether numbers are predicted. guessed: whether nobody said which is the target.
    """

    inputs: tuple[Field, ...]
    target: Field
    unit: Unit
    target_unit: Unit
    shape: Shape
    regression: bool = False
    guessed: bool = False

    @property
    def task(self) -> str:
        return "many_to_many" if self.shape == "delayed" else self.shape

    @property
    def source(self) -> Field:
        """The first field that is read."""
        return self.inputs[0]


def sides_of(rows: Rows, asked: Asked) -> Sides:
    """The task that the fields pose, or the one that is asked for.

    Raises:
        CommandError: the options do not fit the fields.
        DataError: there is nothing to read, or nothing to predict.
    """
    target = rows.field(asked.target) if asked.target else _target(rows, asked)
    inputs = _inputs(rows, target, asked)
    sides = _pair(rows, inputs, target)
    if asked.task == "one_to_many" and sides.shape != "one_to_many":
        sides = _turned(rows, sides, asked)
    if asked.task not in (None, sides.task):
        what = f"{_names(sides.inputs)} -> {sides.target.name}"
        refuse_task(str(asked.task), what, (sides.task,))
    return replace(sides, guessed=not asked.target)


# -- which is which --------------------------------------------------------------------------------


def _usable(rows: Rows) -> list[Field]:
    """Fields that hold something that varies."""
    varied = [
        field for field in rows.fields
        if field.kind not in ("blank", "other", "date")
        and (field.kind not in ("number", "label", "truth") or len(field.counts) > 1)
    ]  # fmt: skip
    sure = [f for f in varied if not f.is_counter or called(f, TARGET_NAMES)]
    return sure if len(sure) > 1 else varied


def _target(rows: Rows, asked: Asked) -> Field:
    fields = [field for field in _usable(rows) if field.name not in asked.inputs]
    if len(_usable(rows)) < 2:
        raise _nothing_to_predict(rows, "only one column or key holds anything that varies")
    kinds: tuple[Callable[[Field], bool], ...] = (
        lambda f: called(f, TARGET_NAMES) and f.kind != "text",
        lambda f: called(f, TARGET_NAMES),
        lambda f: f.kind in ("label", "truth"),
        lambda f: f.kind == "number" and f.is_class,
        lambda f: f.kind == "number",
        lambda f: not called(f, INPUT_NAMES),
        lambda f: True,
    )
    for fits in kinds:
        if found := [field for field in fields if fits(field)]:
            return found[-1]
    raise _nothing_to_predict(rows, "every column or key is read already")


def _inputs(rows: Rows, target: Field, asked: Asked) -> tuple[Field, ...]:
    if asked.inputs:
        return tuple(rows.field(name) for name in asked.inputs)
    fields = [field for field in _usable(rows) if field is not target]
    numbers = [field for field in fields if field.kind == "number"]
    sequences = [f for f in fields if f.kind in ("text", "tokens", "numbers", "vectors")]
    named = [field for field in sequences if called(field, INPUT_NAMES)]
    if named or sequences:
        return ((named or sorted(sequences, key=_length, reverse=True))[0],)
    if len(numbers) > 1 and rows.kind != "jsonl":
        return tuple(numbers)
    if fields and target.kind in ("text", "tokens", "numbers"):
        return (fields[0],)
    raise _nothing_to_predict(rows, f"nothing but {target.name!r} is a sequence that can be read")


def _length(field: Field) -> float:
    return sum(len(value) for value in field.present) / max(len(field.present), 1)


def _nothing_to_predict(rows: Rows, why: str) -> DataError:
    options = "--inputs NAME --target NAME says what is read and what is predicted"
    held = ", ".join(f"{field.name} ({field.words})" for field in rows.fields[:10])
    held += f"\n{options}" if len(_usable(rows)) > 1 else ""
    return DataError(
        f"which is read and which is predicted cannot be told: {why}",
        code="DAT305",
        allowed="a text or numbers to read, and labels, numbers or a text to predict",
        hint=f"it holds {held}",
    )


# -- in what units ---------------------------------------------------------------------------------


def _pair(rows: Rows, inputs: tuple[Field, ...], target: Field) -> Sides:
    """Units and task shape of an input and a target."""
    first = inputs[0]
    wide = len(inputs) > 1
    if wide and any(field.kind != "number" for field in inputs):
        _refuse_inputs(inputs)
    if wide or first.kind in ("numbers", "vectors"):
        return _from_numbers(inputs, target)
    if first.kind in ("label", "truth", "number") and target.kind in ("text", "tokens", "numbers"):
        return _generated(first, target)
    if first.kind in ("number", "date", "truth", "other", "blank"):
        _refuse_inputs(inputs)
    return _from_text(inputs, target)


def _refuse_inputs(inputs: Sequence[Field]) -> None:
    held = ", ".join(f"{field.name} ({field.words})" for field in inputs[:5])
    raise CommandError(
        f"these are no sequence: {held}",
        code="CMD132",
        key="--inputs",
        value=_names(inputs),
        allowed="one column or key of texts or lists, or several columns of numbers",
    )


def _from_numbers(inputs: tuple[Field, ...], target: Field) -> Sides:
    if target.kind in ("numbers", "tokens") and len(inputs) == 1 and _aligned(inputs[0], target):
        numbers = target.kind == "numbers"
        unit: Unit = "number" if numbers else "label"
        return Sides(inputs, target, "number", unit, "many_to_many", regression=numbers)
    if target.is_class:
        return Sides(inputs, target, "number", "label", "many_to_one")
    if target.kind == "number":
        return Sides(inputs, target, "number", "number", "many_to_one", regression=True)
    raise CommandError(
        f"cannot be predicted from numbers: it holds {target.words}",
        code="CMD132",
        key="--target",
        value=target.name,
        allowed="labels, numbers, or as many labels as there are numbers",
    )


def _from_text(inputs: tuple[Field, ...], target: Field) -> Sides:
    unit = _unit_of(inputs[0])
    if target.kind in ("tokens", "text") and _aligned(inputs[0], target):
        return Sides(inputs, target, "label", "label", "many_to_many")
    if target.is_class:
        return Sides(inputs, target, unit, "label", "many_to_one")
    if target.kind == "number":
        return Sides(inputs, target, unit, "number", "many_to_one", regression=True)
    if target.kind in ("tokens", "text"):
        return Sides(inputs, target, unit, _unit_of(target), "delayed")
    raise CommandError(
        f"cannot be predicted from {inputs[0].name!r}: it holds {target.words}",
        code="CMD132",
        key="--target",
        value=target.name,
    )


def _generated(source: Field, target: Field) -> Sides:
    """One thing in, a sequence out."""
    unit: Unit = "number" if source.kind == "number" and not source.is_class else "label"
    if target.kind == "numbers":
        return Sides((source,), target, unit, "number", "one_to_many", regression=True)
    return Sides((source,), target, unit, _unit_of(target), "one_to_many")


def _turned(rows: Rows, sides: Sides, asked: Asked) -> Sides:
    """The other way round: from the answer to the sequence."""
    single = sides.target.kind in ("label", "truth", "number")
    if asked.target or asked.inputs or len(sides.inputs) > 1 or not single:
        what = f"{_names(sides.inputs)} -> {sides.target.name}"
        refuse_task("one_to_many", what, (sides.task,))
    return _pair(rows, (sides.target,), sides.source)


def _unit_of(field: Field) -> Unit:
    if field.kind == "tokens":
        return "label"
    return "word" if field.mean_words >= WORDS else "character"


def _aligned(first: Field, second: Field) -> bool:
    """Whether each row has as many steps on both sides, and more than one somewhere."""
    pairs = [
        (_steps(a), _steps(b)) for a, b in zip(first.values, second.values, strict=True)
        if a is not None and b is not None
    ]  # fmt: skip
    return bool(pairs) and all(a == b for a, b in pairs) and any(a > 1 for a, _ in pairs)


def _steps(value: object) -> int:
    if isinstance(value, str):
        return len(value.split())
    return len(value) if isinstance(value, list) else 1


def _names(fields: Sequence[Field]) -> str:
    return ", ".join(field.name for field in fields[:5]) + (", ..." if len(fields) > 5 else "")
