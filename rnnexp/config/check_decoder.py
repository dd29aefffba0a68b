"""Checks across fields: the delayed many-to-many, its encoder-decoder and its search."""

from __future__ import annotations

from collections.abc import Iterator

from rnnexp.config.compatibility import shape_of, target_unit_of
from rnnexp.config.config import Config
from rnnexp.config.finding import CONTRADICTION, NO_EFFECT, Finding, checked, is_written
from rnnexp.config.schema.data import Records, ReversedAddition
from rnnexp.config.schema.model import Decoder, Model
from rnnexp.config.schema.task import ManyToMany
from rnnexp.config.schema.training import Checkpointed

__all__: list[str] = []

Findings = Iterator[Finding]
DELAYED = ("task.alignment",)


def _is_delayed(config: Config) -> bool:
    return shape_of(config.experiment.task) == "delayed"


@checked
def alignment_of_the_source(config: Config) -> Findings:
    task, data = config.experiment.task, config.experiment.data
    if not isinstance(task, ManyToMany):
        return
    if task.alignment == "delayed" and not isinstance(data, Records | ReversedAddition):
        message, because = "the answers of this data stand beside its inputs", ("data.source",)
        yield Finding(CONTRADICTION, "task.alignment", message, because, suggestion="aligned")
    if task.alignment == "aligned" and isinstance(data, ReversedAddition):
        message, because = "a sum is known once all of it is read", ("data.source",)
        yield Finding(CONTRADICTION, "task.alignment", message, because, suggestion="delayed")


@checked
def delayed_targets_are_tokens(config: Config) -> Findings:
    if not _is_delayed(config):
        return
    if config.experiment.task.target == "regression":
        message = "a delayed target ends with a token, so it is made of tokens"
        allowed = "classification"
        yield Finding(CONTRADICTION, "task.target", message, DELAYED, allowed=allowed)
    if target_unit_of(config.experiment) == "number":
        message = "a delayed target is made of tokens, not of numbers"
        because = (*DELAYED, "data.unit")
        allowed = "id, label, character, word"
        yield Finding(CONTRADICTION, "data.target_unit", message, because, allowed=allowed)


@checked
def dropouts_of_one_stack(config: Config) -> Findings:
    """An encoder-decoder has one key for its embeddings and its output layer: the decoder's."""
    for name in ("input_dropout", "output_dropout", "word_dropout") if _is_delayed(config) else ():
        if getattr(config.experiment.model, name):
            hint = "model.decoder.dropout acts on both embeddings and before the output layer"
            message = "not for an encoder-decoder"
            yield Finding(CONTRADICTION, f"model.{name}", message, DELAYED, hint=hint)


@checked
def one_stretch_of_gradient(config: Config) -> Findings:
    bptt = config.experiment.training.bptt
    if not _is_delayed(config) or bptt == "full":
        return
    message, key = "the target's gradient goes back through the whole source", "training.bptt"
    if isinstance(bptt, Checkpointed):
        message = "an encoder-decoder is not run in segments"
    yield Finding(CONTRADICTION, key, message, DELAYED, hint="write bptt: full")


@checked
def hidden_recurrence_of_both_sides(config: Config) -> Findings:
    if _is_delayed(config) and config.experiment.model.recurrence != "hidden_to_hidden":
        message = "an encoder has no output to feed back, and a decoder always reads its own"
        hint = "write recurrence: hidden_to_hidden"
        yield Finding(CONTRADICTION, "model.recurrence", message, DELAYED, hint=hint)


@checked
def decoder_of_a_delayed_task(config: Config) -> Findings:
    if config.experiment.model.decoder is not None and not _is_delayed(config):
        message = "no effect: only a delayed many_to_many has a decoder"
        yield Finding(NO_EFFECT, "model.decoder", message, ("task.kind", "task.alignment"))


@checked
def search(config: Config) -> Findings:
    task = config.experiment.task
    if not isinstance(task, ManyToMany):
        return
    if task.alignment == "aligned":
        for key in ("beam", "length_penalty"):
            if is_written(config, f"task.{key}"):
                message = "no effect: an aligned task answers each step and searches nothing"
                yield Finding(NO_EFFECT, f"task.{key}", message, DELAYED)
    elif task.length_penalty is not None and task.beam == 1:
        message = "no effect on a greedy search, which has one hypothesis to rank"
        yield Finding(NO_EFFECT, "task.length_penalty", message, ("task.beam",))


@checked
def attention_of_equal_sizes(config: Config) -> Findings:
    model = config.experiment.model
    decoder = model.decoder
    if decoder is None or not _is_delayed(config):
        return
    memory, hidden = _width(model, model.hidden_sizes[-1]), _written(model, decoder)[-1]
    if decoder.attention == "dot" and memory != hidden:
        message = f"multiplies a state of {hidden} with steps of the encoder of {memory}"
        hint = "write attention: general"
        because = ("model.hidden_sizes", "model.decoder.hidden_sizes")
        yield Finding(CONTRADICTION, "model.decoder.attention", message, because, hint=hint)
    if decoder.input_feeding and decoder.attention == "none":
        key, message = "model.decoder.input_feeding", "no effect: there is no attention to feed"
        yield Finding(NO_EFFECT, key, message, ("model.decoder.attention",))


@checked
def bridge_of_equal_sizes(config: Config) -> Findings:
    model = config.experiment.model
    decoder = model.decoder
    if decoder is None or not _is_delayed(config):
        return
    key, because = "model.decoder.bridge", ("model.hidden_sizes", "model.decoder.hidden_sizes")
    ended = [_width(model, size) for size in model.hidden_sizes]
    begun = list(_written(model, decoder))
    if decoder.bridge == "copy" and ended != begun:
        message = f"the encoder's layers end with sizes {ended}, the decoder's begin with {begun}"
        yield Finding(CONTRADICTION, key, message, because, hint="write bridge: linear")
    if decoder.bridge == "zero" and decoder.attention == "none":
        message = "without attention nothing of the source would reach the decoder"
        yield Finding(CONTRADICTION, key, message, ("model.decoder.attention",))


@checked
def tied_decoder(config: Config) -> Findings:
    model = config.experiment.model
    decoder = model.decoder
    if decoder is None or not _is_delayed(config) or not decoder.tied_embedding:
        return
    if decoder.embedding is None and model.embedding is None:
        key, because = "model.decoder.tied_embedding", ("model.decoder.embedding",)
        yield Finding(CONTRADICTION, key, "needs an embedding to share", because)


def _width(model: Model, size: int) -> int:
    """What a layer of the encoder returns, of its size in one direction."""
    return size * (2 if model.bidirectional and model.merge in (None, "concat") else 1)


def _written(model: Model, decoder: Decoder) -> tuple[int, ...]:
    return decoder.hidden_sizes or model.hidden_sizes
