"""Checks across fields: how the tokens that a network reads become numbers."""

from __future__ import annotations

from collections.abc import Iterator

from rnnexp.config.compatibility import (
    predicts_next,
    reads_an_image,
    shape_of,
    target_of,
    target_unit_of,
    token_inputs,
)
from rnnexp.config.config import Config
from rnnexp.config.data_settings import PythonDocs, Records, ReversedAddition, Text
from rnnexp.config.model_settings import Decoder, Model
from rnnexp.config.rules import CONTRADICTION, NO_EFFECT, Finding, checked, is_written
from rnnexp.config.task_settings import ManyToMany, OneToMany
from rnnexp.config.training_settings import Checkpointed, Truncated

__all__ = []


# Checks across fields: the network.

Findings = Iterator[Finding]


@checked
def dropout_between_layers(config: Config) -> Findings:
    model = config.experiment.model
    written = (model.decoder and model.decoder.hidden_sizes) or model.hidden_sizes
    decodes = shape_of(config.experiment.task) == "delayed"
    layers = max(len(model.hidden_sizes), len(written) if decodes else 1)
    if model.dropout > 0 and layers == 1:
        yield Finding(
            NO_EFFECT,
            "model.dropout",
            "no effect with one recurrent layer: it acts between layers",
            ("model.hidden_sizes",),
            hint="add a layer, or use recurrent_dropout"
            + (" or model.decoder.dropout" if decodes else ""),
        )


@checked
def activation_of_the_plain_cell(config: Config) -> Findings:
    model = config.experiment.model
    if model.activation is not None and model.cell != "rnn":
        yield Finding(
            NO_EFFECT, "model.activation", "only the plain cell (rnn) has a choice", ("model.cell",)
        )


@checked
def merge_of_two_directions(config: Config) -> Findings:
    model = config.experiment.model
    if model.merge is not None and not model.bidirectional:
        yield Finding(
            NO_EFFECT, "model.merge", "no effect with one direction", ("model.bidirectional",)
        )


@checked
def forget_gate(config: Config) -> Findings:
    model = config.experiment.model
    if model.forget_bias == "chrono" and model.cell == "rnn":
        message = "the plain cell has no gate that could stay open"
        yield Finding(NO_EFFECT, "model.forget_bias", message, ("model.cell",))
    elif model.forget_bias not in (None, "chrono") and model.cell != "lstm":
        yield Finding(
            NO_EFFECT, "model.forget_bias", "only lstm has a forget gate", ("model.cell",)
        )


@checked
def spectral_radius(config: Config) -> Findings:
    init = config.experiment.model.init
    key, other = "model.init.spectral_radius", "model.init.recurrent"
    if init.spectral_radius is not None and init.recurrent != "spectral_radius":
        hint = "write recurrent: spectral_radius"
        yield Finding(NO_EFFECT, key, "no effect with this initialisation", (other,), hint=hint)
    if init.spectral_radius is None and init.recurrent == "spectral_radius":
        yield Finding(CONTRADICTION, other, "needs a spectral_radius beside it", (key,))


@checked
def embedding_of_tokens(config: Config) -> Findings:
    experiment = config.experiment
    if experiment.model.embedding is not None and not token_inputs(experiment):
        yield Finding(
            NO_EFFECT,
            "model.embedding",
            "no effect: the recurrent layers read numbers here, not tokens",
            ("data.source", *(("data.unit",) if isinstance(experiment.data, Records) else ())),
        )


@checked
def image_encoder(config: Config) -> Findings:
    experiment = config.experiment
    if experiment.model.image_encoder is not None and not reads_an_image(experiment):
        because = ("data.source", *(("data.view",) if hasattr(experiment.data, "view") else ()))
        message = "no effect: no sequence is generated from an image here"
        yield Finding(NO_EFFECT, "model.image_encoder", message, because)


@checked
def tied_embedding(config: Config) -> Findings:
    model, key = config.experiment.model, "model.tied_embedding"
    if not model.tied_embedding:
        return
    if model.embedding is None:
        yield Finding(CONTRADICTION, key, "needs an embedding to share", ("model.embedding",))
        return
    if not _outputs_are_inputs(config):
        message = "the output layer does not score the tokens that the network reads"
        decodes = shape_of(config.experiment.task) == "delayed"
        hint = "the decoder's own: model.decoder.tied_embedding" if decodes else None
        yield Finding(CONTRADICTION, key, message, ("data.source", "task.kind"), hint=hint)
        return
    concatenated = model.bidirectional and model.merge in (None, "concat")
    width = model.hidden_sizes[-1] * (2 if concatenated else 1)
    if model.embedding != width:
        message = f"needs an embedding as wide as the last layer's output, {width}"
        yield Finding(CONTRADICTION, key, message, ("model.embedding", "model.hidden_sizes"))


def _outputs_are_inputs(config: Config) -> bool:
    """Whether one vocabulary serves both ends of the network."""
    experiment = config.experiment
    if isinstance(experiment.task, OneToMany):
        return target_of(experiment) == "classification"
    return isinstance(experiment.data, Text | PythonDocs)


@checked
def bidirectional(config: Config) -> Findings:
    experiment, key = config.experiment, "model.bidirectional"
    if not experiment.model.bidirectional:
        return
    if isinstance(experiment.training.bptt, Truncated):
        message = "the backward direction needs the whole sequence, truncated BPTT cuts it"
        yield Finding(CONTRADICTION, key, message, ("training.bptt",))
    if isinstance(experiment.training.bptt, Checkpointed):
        message = (
            "the backward direction ends where the forward one begins: no state joins segments"
        )
        because = ("training.bptt.checkpoint_every",)
        yield Finding(CONTRADICTION, key, message, because, hint="write bptt: full")
    if isinstance(experiment.task, OneToMany):
        message = "a sequence that is being generated has no future to read"
        yield Finding(CONTRADICTION, key, message, ("task.kind",))
    elif predicts_next(experiment):
        message = "the backward direction would see the answer: the next step is the target"
        yield Finding(CONTRADICTION, key, message, ("data.source", "task.kind"))


@checked
def initial_state_from_the_condition(config: Config) -> Findings:
    experiment = config.experiment
    task = experiment.task
    if not isinstance(task, OneToMany) or task.conditioning != "initial_state":
        return
    if experiment.model.initial_state is not None:
        yield Finding(
            NO_EFFECT,
            "model.initial_state",
            "no effect: the condition sets the initial state",
            ("task.conditioning",),
        )


@checked
def return_sequences(config: Config) -> Findings:
    model, key = config.experiment.model, "model.return_sequences"
    given, layers = model.return_sequences, len(model.hidden_sizes)
    if given == "auto":
        return
    if len(given) != layers:
        message = f"needs one true/false per recurrent layer: {layers}, not {len(given)}"
        yield Finding(CONTRADICTION, key, message, ("model.hidden_sizes",))
        return
    for number, returned in enumerate(given[:-1], start=1):
        if not returned:
            message = (
                f"recurrent layer {number} feeds layer {number + 1} and must return its sequence"
            )
            yield Finding(CONTRADICTION, key, message, ("model.hidden_sizes",))
    yield from _last_layer(config, given[-1])


def _last_layer(config: Config, returned: bool) -> Findings:
    one = config.experiment.task.kind == "many_to_one"
    pooled = config.experiment.model.pooling in ("mean", "max")
    if returned == (one and not pooled):
        because = ("task.kind", "model.pooling") if one and pooled else ("task.kind",)
        message = (
            "the last recurrent layer must not return its sequence: there is one answer"
            if returned
            else "the last recurrent layer must return its sequence: the pool reads every step"
            if one
            else "the last recurrent layer must return its sequence: there is one answer per step"
        )
        yield Finding(CONTRADICTION, "model.return_sequences", message, because)


@checked
def pooling_of_one_answer(config: Config) -> Findings:
    model, key = config.experiment.model, "model.pooling"
    if model.pooling is None:
        return
    if config.experiment.task.kind != "many_to_one":
        message = "nothing to pool: there is an answer at every step"
        yield Finding(NO_EFFECT, key, message, ("task.kind",))
    elif model.pooling != "last" and model.recurrence != "hidden_to_hidden":
        message = "the network's own output is fed back, so there is no hidden state to pool"
        yield Finding(CONTRADICTION, key, message, ("model.recurrence",))


@checked
def dropout_before_the_output(config: Config) -> Findings:
    model = config.experiment.model
    if model.output_dropout and model.recurrence != "hidden_to_hidden":
        message = "the network's own output is fed back: no output layer stands behind the layers"
        yield Finding(CONTRADICTION, "model.output_dropout", message, ("model.recurrence",))


@checked
def output_recurrences(config: Config) -> Findings:
    """What is only defined where h_{t-1} is fed back."""
    model, because = config.experiment.model, ("model.recurrence",)
    if model.recurrence == "hidden_to_hidden":
        return
    if model.cell != "rnn":
        message = "only the plain cell (rnn) is defined with its output fed back"
        yield Finding(CONTRADICTION, "model.cell", message, because, hint="write cell: rnn")
    for key, given in (
        ("bidirectional", model.bidirectional),
        ("layer_norm", model.layer_norm),
        ("recurrent_dropout", model.recurrent_dropout),
        ("tied_embedding", model.tied_embedding),
    ):
        if given:
            message = "not defined where the output is fed back"
            yield Finding(CONTRADICTION, f"model.{key}", message, because)
    if model.initial_state == "learned":
        message = "the output before the first step is 0"
        yield Finding(CONTRADICTION, "model.initial_state", message, because)


@checked
def start_of_output_recurrences(config: Config) -> Findings:
    model, task = config.experiment.model, config.experiment.task
    if model.recurrence == "hidden_to_hidden":
        return
    square = model.init.recurrent in ("identity", "spectral_radius")
    if model.recurrence == "output_to_hidden" and square:
        message = "W_oh reads outputs into hidden units and is not square"
        key = "model.init.recurrent"
        allowed = "orthogonal, glorot, torch"
        yield Finding(CONTRADICTION, key, message, ("model.recurrence",), allowed=allowed)
    if isinstance(task, OneToMany) and task.conditioning == "initial_state":
        message = "the output before the first step is 0, so the condition cannot set it"
        hint = "write conditioning: every_step"
        yield Finding(CONTRADICTION, "task.conditioning", message, ("model.recurrence",), hint=hint)


# Checks across fields: the delayed many-to-many, its encoder-decoder and its search.

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


# Checks across fields: how the tokens that a network reads become numbers.

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
