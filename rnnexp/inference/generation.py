"""Sequences drawn from a trained network: text that goes on, or one made from a condition.

Shape letters: T time, B samples, V vocabulary, C condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rnnexp.config.data_settings import TextCorpus
from rnnexp.data.dataset import Image, Tokens, Values
from rnnexp.data.encoding import Vocabulary
from rnnexp.data.records.records import PictureReader, Question, QuestionReader
from rnnexp.data.units import Units
from rnnexp.errors import CommandError, Position, nearest
from rnnexp.inference.answers import answers, first_input, written
from rnnexp.inference.trained import Trained
from rnnexp.tasks.decoding import Sampling
from rnnexp.tasks.free_running import sampled

__all__ = ["Drawing", "TextModel", "condition_of", "sequences", "values_from"]

OPTIONS = {Values: "--features", Tokens: "--label", Image: "--image"}
TEXT_LENGTH = 500
MOST_PIECES = 4
"""a character has at most so many bytes, each at least part of a unit"""
OPENINGS = ("\n", ".")
"""what a text is begun with where no prompt is given: the end of a line or of a sentence"""


@dataclass(frozen=True)
class Drawing:
    """How sequences are drawn: sample n of a seed is the same however many there are.

    length: units to draw; None stands for 500 of a text, and the longest sequence of training.
    """

    sampling: Sampling
    seed: int = 0
    samples: int = 1
    length: int | None = None

    def streams(self) -> list[np.random.Generator]:
        """A source of chance for each sample."""
        return [np.random.default_rng([self.seed, sample]) for sample in range(self.samples)]


class TextModel:
    """A language model, and how its text is cut into units."""

    def __init__(self, trained: Trained) -> None:
        data, outputs = trained.config.experiment.data, trained.signature.outputs
        assert isinstance(data, TextCorpus) and isinstance(outputs, Tokens)
        assert outputs.vocabulary is not None and outputs.vocabulary.text is not None
        self.trained, self.lowercase = trained, data.lowercase
        self.vocabulary: Vocabulary = outputs.vocabulary
        self.units: Units = outputs.vocabulary.text

    @property
    def opening(self) -> str:
        """The prompt where none is given."""
        known = (unit for unit in OPENINGS if unit in self.vocabulary.ids)
        return next(known, self.vocabulary.units[-1])

    def split(self, text: str) -> list[str]:
        """The units of a text."""
        return self.units.split(text.lower() if self.lowercase else text)

    def unknown(self, units: Sequence[str]) -> list[str]:
        """Those that training never showed."""
        return [unit for unit in units if unit not in self.vocabulary.ids]

    def join(self, units: Sequence[str]) -> str:
        """The text of units."""
        return self.units.join(units)

    def added(self, before: str, units: Sequence[str]) -> str | None:
        """What units add to a text that ends with the unit `before`.

        None while they end within a character, whose bytes may be several units.
        """
        text = self.join([before, *units])[len(self.join([before])) :]
        return None if text.endswith("\ufffd") and len(units) < MOST_PIECES else text

    def continued(self, prompt: Sequence[str], drawing: Drawing) -> Iterator[list[str]]:
        """The next unit of each sample, step by step, after the whole prompt was read.

        The unit for unknown ones is never drawn: it stands for no text.
        """
        ids_T = torch.from_numpy(self.vocabulary.encode(prompt)).to(self.trained.device)
        unknown = self.vocabulary.unknown
        never = () if unknown is None else (unknown,)
        prompt_TB = ids_T[:, None].expand(-1, drawing.samples)
        steps = sampled(
            self.trained.network, prompt_TB, drawing.sampling, drawing.streams(), never=never
        )
        for ids_B in islice(steps, drawing.length or TEXT_LENGTH):
            yield self.vocabulary.decode(ids_B.tolist())


def condition_of(trained: Trained, given: Any, option: str) -> Question:
    """The one thing that a sequence is made from: a label, an id, features or an image file.

    Raises:
        CommandError: a label that training never showed, or no such image.
        DataError: it is not what the network reads.
        UnsafeError: an image that is too large to decode.
    """
    inputs = trained.signature.inputs
    fitting = OPTIONS[type(inputs)]
    if option != fitting:
        message = "is not what this run starts from"
        raise CommandError(message, code="CMD124", key=option, value=str(given), allowed=fitting)
    if isinstance(inputs, Image):
        return _pictured(inputs, Path(given), option)
    reader = QuestionReader(trained.config, trained.signature)
    if reader.field.unit == "id" and str(given).isdecimal():
        given = int(given)
    vocabulary = inputs.vocabulary if isinstance(inputs, Tokens) else None
    if vocabulary and str(given) not in vocabulary.ids:
        known = [unit for i, unit in enumerate(vocabulary.units) if i != vocabulary.unknown]
        raise CommandError(
            "training never showed this label",
            code="CMD122",
            key=option,
            value=given,
            allowed=", ".join(known[:30]) + (", ..." if len(known) > 30 else ""),
            suggestion=nearest(str(given), known),
        )
    return reader.of(given, option)


def _pictured(image: Image, path: Path, option: str) -> Question:
    """An image file that the command line names; a link is followed, as it is the user's own."""
    if not path.exists():
        message = f"no such file: {path.absolute()}"
        raise CommandError(message, code="CMD120", key=option, value=str(path))
    return PictureReader(image).of(path.resolve(), Position(str(path)), option)


def sequences(trained: Trained, condition: Question, drawing: Drawing) -> list[Any]:
    """Sequences drawn from a condition, each up to its end token or `length` steps."""
    outputs = trained.signature.outputs
    assert isinstance(outputs, Tokens)
    condition_B = torch.from_numpy(np.repeat(condition.array, drawing.samples, axis=0))
    first_1B = first_input(outputs, drawing.samples).to(trained.device)
    vocabulary = outputs.vocabulary
    never = () if vocabulary is None or vocabulary.unknown is None else (vocabulary.unknown,)
    steps = sampled(
        trained.network,
        first_1B,
        drawing.sampling,
        drawing.streams(),
        condition=condition_B.to(trained.device),
        never=never,
    )
    drawn: list[list[int]] = []
    ended = torch.zeros(drawing.samples, dtype=torch.bool)
    for ids_B in islice(steps, drawing.length or trained.signature.time_steps):
        drawn.append(ids_B.tolist())
        ended |= ids_B.cpu() == outputs.end
        if ended.all():
            break
    return [written(trained, ids) for ids in zip(*drawn, strict=True)]


def values_from(trained: Trained, condition: Question) -> Any:
    """The sequence of numbers that follows from a condition."""
    (record,) = answers(trained, [condition], 1)
    return record["prediction"]
