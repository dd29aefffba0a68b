"""What a network answers to inputs that stand alone, as records for JSON.

Shape letters: T time, B batch, I input, O output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnexp.config.task_settings import ManyToMany
from rnnexp.data.batches import start_of
from rnnexp.data.dataset import Tokens, Values
from rnnexp.data.records.records import Question
from rnnexp.inference.trained import Trained
from rnnexp.layers.encoder_decoder import EncoderDecoder
from rnnexp.tasks.build import search_of
from rnnexp.tasks.decoding import beam, greedy
from rnnexp.tasks.free_running import greedily
from rnnexp.tasks.objective import own_units

__all__ = ["Tally", "Wish", "answers", "first_input", "written"]


# From a network's numbers to what a person calls them.


def class_name(outputs: Tokens, i: int) -> str | int:
    """The name of a class, or its id where classes have no names."""
    return outputs.vocabulary.units[i] if outputs.vocabulary else i


def numbers_of(outputs: Values, own_O: NDArray[np.float64]) -> Any:
    """One number, several by name where they have names, or a list."""
    numbers: list[float] = own_O.tolist()
    if len(numbers) == 1:
        return numbers[0]
    return dict(zip(outputs.names, numbers, strict=True)) if outputs.names else numbers


def written(trained: Trained, ids: Sequence[int]) -> Any:
    """A generated sequence up to its end token: a text, or a list of labels or ids."""
    outputs = trained.signature.outputs
    assert isinstance(outputs, Tokens)
    stop = ids.index(outputs.end) if outputs.end in ids else len(ids)
    if outputs.vocabulary is not None and outputs.vocabulary.text is not None:
        return outputs.vocabulary.decode_text(ids[:stop])
    return [class_name(outputs, i) for i in ids[:stop]]


# What a network answers to inputs that stand alone, as records for JSON.

Record = dict[str, Any]
SHOWN = 3


@dataclass
class Tally:
    """Counts what goes by: inputs, the units of texts, and those that training never showed."""

    inputs: int = 0
    units: int = 0
    unknown: Counter[str] = field(default_factory=Counter)

    def watch(self, questions: Iterable[Question]) -> Iterator[Question]:
        """The same questions, counted."""
        for question in questions:
            self.inputs += 1
            self.units += len(question.steps or ())
            self.unknown.update(question.unknown)
            yield question


@dataclass(frozen=True)
class Wish:
    """How answers are given.

    every_class: the probabilities of all classes, not of the three most likely. beam: hypotheses
    that a delayed sequence is searched with; None is as the config says.
    """

    every_class: bool = False
    beam: int | None = None


def answers(
    trained: Trained, questions: Iterable[Question], batch_size: int, wish: Wish | None = None
) -> Iterator[Record]:
    """One record a question, in order; so many are asked at once."""
    answer, wish = ANSWERS[trained.signature.shape], wish or Wish()
    stream = iter(questions)
    while some := list(islice(stream, batch_size)):
        for question, record in zip(some, answer(trained, some, wish), strict=True):
            given = {"input": question.given} if isinstance(question.given, str) else {}
            yield {"line": question.line} | given | record


@torch.no_grad()
def _one(trained: Trained, questions: Sequence[Question], wish: Wish) -> list[Record]:
    """Many-to-one: a class with its probability, or numbers."""
    inputs, lengths = _padded(trained, questions)
    output_BO, _ = trained.network(inputs, None, lengths)
    outputs = trained.signature.outputs
    if isinstance(outputs, Values):
        return [{"prediction": numbers_of(outputs, row)} for row in _own(outputs, output_BO)]
    shares_BO = output_BO.float().softmax(-1).cpu().numpy()
    return [_classified(outputs, row, wish.every_class) for row in shares_BO]


def _classified(outputs: Tokens, shares_O: NDArray[np.float32], every_class: bool) -> Record:
    order = np.argsort(-shares_O, kind="stable")
    best = int(order[0])
    kept = order if every_class else order[:SHOWN]
    return {
        "prediction": class_name(outputs, best),
        "probability": _share(shares_O[best]),
        "probabilities": {str(class_name(outputs, int(i))): _share(shares_O[i]) for i in kept},
    }


def _share(probability: np.float32) -> float:
    return round(float(probability), 6)


@torch.no_grad()
def _each_step(trained: Trained, questions: Sequence[Question], _: Wish) -> list[Record]:
    """Many-to-many: the answer to every step; to words, pairs of word and tag."""
    inputs, lengths = _padded(trained, questions)
    output_TBO, _state = trained.network(inputs, None, lengths)
    outputs = trained.signature.outputs
    if isinstance(outputs, Values):
        own_TBO = _own(outputs, output_TBO)
        found: list[list[Any]] = [
            [numbers_of(outputs, step) for step in own_TBO[: len(question.array), b]]
            for b, question in enumerate(questions)
        ]
    else:
        ids_BT = output_TBO.argmax(-1).T.tolist()
        found = [
            [class_name(outputs, i) for i in ids[: len(question.array)]]
            for ids, question in zip(ids_BT, questions, strict=True)
        ]
    return [
        {"prediction": _beside(question, answer)}
        for question, answer in zip(questions, found, strict=True)
    ]


def _beside(question: Question, answer: list[Any]) -> list[Any]:
    """Each piece of a text with what was said of it."""
    if question.steps is None:
        return answer
    return [list(pair) for pair in zip(question.steps, answer, strict=True)]


@torch.no_grad()
def _sequence(trained: Trained, questions: Sequence[Question], _: Wish) -> list[Record]:
    """One-to-many: the likeliest sequence, step by step."""
    condition = torch.from_numpy(np.concatenate([each.array for each in questions]))
    outputs, steps = trained.signature.outputs, trained.signature.time_steps
    first_1B = first_input(outputs, len(questions)).to(trained.device)
    classes = isinstance(outputs, Tokens)
    found = greedily(trained.network, first_1B, steps, condition.to(trained.device), classes)
    if isinstance(outputs, Values):
        own_TBO = _own(outputs, found)
        return [
            {"prediction": [numbers_of(outputs, step) for step in own_TBO[:, b]]}
            for b in range(len(questions))
        ]
    return [{"prediction": written(trained, ids)} for ids in found.T.tolist()]


def _delayed(trained: Trained, questions: Sequence[Question], wish: Wish) -> list[Record]:
    """A sequence of its own length, written once all is read, and how likely it is.

    score: log-probability, for a beam divided by length ** task.length_penalty.
    """
    network, task, outputs = (
        trained.network,
        trained.config.experiment.task,
        trained.signature.outputs,
    )
    assert isinstance(network, EncoderDecoder) and isinstance(task, ManyToMany)
    assert isinstance(outputs, Tokens) and outputs.end is not None
    inputs, lengths = _padded(trained, questions)
    if lengths is None:
        lengths = torch.full((len(questions),), len(inputs), device=trained.device)
    search = search_of(task, trained.signature.time_steps)
    size = wish.beam or search.size
    if size > 1:
        found = beam(
            network, (inputs, lengths), outputs.end, search.most, size, search.length_penalty
        )
    else:
        found = greedy(network, (inputs, lengths), outputs.end, search.most)
    return [
        {"prediction": written(trained, each.ids), "score": round(each.score, 6)} for each in found
    ]


ANSWERS: dict[str, Callable[[Trained, Sequence[Question], Wish], list[Record]]] = {
    "many_to_one": _one,
    "many_to_many": _each_step,
    "one_to_many": _sequence,
    "delayed": _delayed,
}


def first_input(outputs: Values | Tokens, count: int) -> Tensor:
    """What opens `count` generated sequences: (1, B) ids or (1, B, O) values."""
    if isinstance(outputs, Tokens):
        return torch.full((1, count), start_of(outputs))
    return torch.zeros(1, count, outputs.size)


def _padded(trained: Trained, questions: Sequence[Question]) -> tuple[Tensor, Tensor | None]:
    """Inputs (T, B, ...) padded with zeros, and lengths (B,) where they differ."""
    lengths = torch.tensor([len(question.array) for question in questions])
    longest = int(lengths.max())
    first = questions[0].array
    rows = np.zeros((longest, len(questions), *first.shape[1:]), first.dtype)
    for b, question in enumerate(questions):
        rows[: len(question.array), b] = question.array
    same = bool((lengths == longest).all())
    return torch.from_numpy(rows).to(trained.device), None if same else lengths.to(trained.device)


def _own(outputs: Values, scaled: Tensor) -> NDArray[np.float64]:
    return own_units(outputs.scaler, scaled)
