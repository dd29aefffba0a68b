"""Checks across fields: how the tokens that a network reads become numbers."""

from __future__ import annotations

from collections.abc import Iterator

from rnnexp.config.compatibility import token_inputs
from rnnexp.config.config import Config
from rnnexp.config.finding import CONTRADICTION, NO_EFFECT, Finding, checked
from rnnexp.config.schema.data import PythonDocs, Records, Text
from rnnexp.config.schema.task import OneToMany

Findings = Iterator[Finding]

WORDS = ("word", "label")
"""the units of Records that are spelt"""


@checked
def word_dropout(config: Config) -> Findings:
    experiment, key = config.experiment, "model.word_dropout"
    if not experiment.model.word_dropout:
        return
    if not token_inputs(experiment):
        message = "no effect: the recurrent layers read numbers here, not tokens"
        yield Finding(NO_EFFECT, key, message, _what_is_read(config))
    elif not _has_names(config):
        message = "the tokens here have no unknown one to be read in place of another"
        yield Finding(CONTRADICTION, key, message, _what_is_read(config))


@checked
def pretrained_embedding(config: Config) -> Findings:
    experiment, key = config.experiment, "model.pretrained"
    model = experiment.model
    if model.pretrained is None:
        return
    if not token_inputs(experiment):
        message = "no effect: the recurrent layers read numbers here, not tokens"
        yield Finding(NO_EFFECT, key, message, _what_is_read(config))
        return
    if model.embedding is None:
        message, hint = "needs an embedding to start", "write embedding: the size of the vectors"
        yield Finding(CONTRADICTION, key, message, ("model.embedding",), hint=hint)
    if not _has_names(config):
        message = "the tokens here have no names to look up in the file"
        yield Finding(CONTRADICTION, key, message, _what_is_read(config))
    if model.pretrained.frozen and model.tied_embedding:
        message = "would freeze the output layer too, which shares the embedding's weights"
        yield Finding(CONTRADICTION, f"{key}.frozen", message, ("model.tied_embedding",))


@checked
def characters_of_words(config: Config) -> Findings:
    experiment, key = config.experiment, "model.characters"
    if experiment.model.characters is None:
        return
    if experiment.model.embedding is None:
        message = "needs an embedding of the words that it joins"
        yield Finding(CONTRADICTION, key, message, ("model.embedding",))
    data = experiment.data
    if isinstance(experiment.task, OneToMany):
        message = "what is generated has no spelling before it is there"
        yield Finding(CONTRADICTION, key, message, ("task.kind",))
    elif not isinstance(data, Records):
        message = "only examples that stand alone are read as words with their characters"
        yield Finding(CONTRADICTION, key, message, ("data.source",))
    elif data.unit not in WORDS:
        message = "one step of the input is no word"
        allowed = "data.unit: word, or label for words that are split already"
        yield Finding(CONTRADICTION, key, message, ("data.unit",), allowed=allowed)


def _has_names(config: Config) -> bool:
    """Whether the tokens that are read may come from a text, and so have names."""
    data = config.experiment.data
    if isinstance(data, Records):
        generated = isinstance(config.experiment.task, OneToMany)
        return (data.target_unit if generated else data.unit) != "id"
    return isinstance(data, Text | PythonDocs)


def _what_is_read(config: Config) -> tuple[str, ...]:
    data = config.experiment.data
    unit = "data.target_unit" if isinstance(config.experiment.task, OneToMany) else "data.unit"
    return ("data.source", *((unit,) if isinstance(data, Records) else ()))
