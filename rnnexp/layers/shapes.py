"""The sizes of an encoder-decoder before it exists, and its rows of the shape trace.

Shape letters: B batch, T time, I input, H hidden, O output, V vocabulary, D directions; images
are
(channels, height, width).
No torch: `plan` and the memory guard use this before any tensor is made.
Shape letters: B batch, S source time, T target time, M memory, R readout. No torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from rnnexp.config.model_settings import Decoder, ImageEncoder, Model
from rnnexp.data.dataset import Dataset, Ends, Image, Spec, Tokens, Values, Words

__all__ = [
    "GATES",
    "STATES",
    "LayerPlan",
    "condition_size",
    "convolved",
    "decoder_of",
    "encoded_size",
    "final_size",
    "output_sizes",
    "plan_encoder_decoder",
    "plan_layers",
    "pooling_of",
    "readout_inputs",
    "readout_size",
    "return_sequences",
    "writer_of",
]


# The shapes of a network before it exists: what each layer reads and returns, and what that costs.

GATES = {"rnn": ("h",), "lstm": ("i", "f", "g", "o"), "gru": ("r", "z", "n")}
STATES = {"rnn": ("h",), "lstm": ("h", "c"), "gru": ("h",)}

READ_BY_NEXT = "the next layer reads every step"
POOLED = "the pool reads every step"
ONE_ANSWER = "the task wants one answer: the last valid state"
EVERY_STEP = "the task wants an answer at every step"


@dataclass(frozen=True)
class LayerPlan:
    """One row of the shape trace.

    return_sequences is None for layers without time. `stored` is about how many numbers per
    sequence and time step are kept for the backward pass.
    """

    name: str
    reads: str
    returns: str
    return_sequences: bool | None
    why: str
    parameters: int
    stored: int


def pooling_of(model: Model, shape: str) -> str:
    """How one answer is read off the last layer: `last`, `mean` or `max`."""
    return model.pooling or "last" if shape == "many_to_one" else "last"


def return_sequences(layers: int, shape: str, pooling: str = "last") -> tuple[bool, ...]:
    """Which recurrent layers return their whole sequence.

    Every layer but the last must, because the next one reads it; the last one does unless the
    task wants one answer per sequence, read off the last step.
    """
    return (*(True for _ in range(layers - 1)), shape != "many_to_one" or pooling != "last")


def encoded_size(spec: Spec, model: Model) -> int:
    """I, what the first layer reads per step: values as they are, tokens embedded or one-hot."""
    if not isinstance(spec, Tokens) or model.embedding is None:
        return spec.size
    if model.characters is not None and isinstance(spec, Words):
        return model.embedding + 2 * model.characters.hidden_size
    return model.embedding


def condition_size(model: Model, condition: Values | Tokens | Image) -> int:
    """C, what a sequence is generated from: an encoded image, pixels, values, or a class."""
    encoder = model.image_encoder
    return encoder.size if encoder and isinstance(condition, Image) else condition.size


def convolved(encoder: ImageEncoder, image: Image) -> list[Image]:
    """The image, and the maps after each convolution and its halving of height and width."""
    maps = [image]
    for channels in encoder.channels:
        maps.append(Image(channels, maps[-1].height // 2, maps[-1].width // 2))
    return maps


def output_sizes(model: Model, outputs: Values | Tokens) -> tuple[int, ...]:
    """O of each layer that feeds its output back: H inside, the network's outputs on top."""
    return (*model.hidden_sizes[:-1], outputs.size)


def plan_layers(model: Model, ends: Ends, conditioning: str | None) -> tuple[LayerPlan, ...]:
    """Every layer of the network that `build_network` makes, in order."""
    time = ends.time_steps
    steps = ends.outputs if conditioning else ends.inputs
    size = encoded_size(steps, model)
    rows = list(encoder_rows(steps, model, time))
    if conditioning and isinstance(ends.inputs, Image):
        rows += [replace(row, stored=row.stored // time) for row in _image(model, ends.inputs)]
    if conditioning == "initial_state":
        rows.append(_bridge(model, condition_size(model, ends.inputs)))
    elif conditioning == "every_step":
        size += condition_size(model, ends.inputs)
    pooling = pooling_of(model, ends.shape)
    returns = return_sequences(len(model.hidden_sizes), ends.shape, pooling)
    fed_back = output_sizes(model, ends.outputs)
    for index, (hidden, returned) in enumerate(zip(model.hidden_sizes, returns, strict=True)):
        last = index + 1 == len(model.hidden_sizes)
        top = ONE_ANSWER if not returned else EVERY_STEP if pooling == "last" else POOLED
        why = top if last else READ_BY_NEXT
        if model.recurrence != "hidden_to_hidden":
            row = _output_recurrent(model, index, size, fed_back[index], time, returned, why)
            rows.append(row)
            size = fed_back[index]
            continue
        rows.append(recurrent_row(model, index, size, hidden, time, returned, why))
        size = hidden * (2 if model.bidirectional and model.merge in (None, "concat") else 1)
    if pooling != "last":
        rows.append(_pool(pooling, size, time))
    steps_answered = ends.shape != "many_to_one"
    rows.append(_output(ends, model, size, time if steps_answered else None))
    return tuple(rows)


def encoder_rows(spec: Spec, model: Model, time: int) -> Iterator[LayerPlan]:
    """How a step becomes numbers: as it is, embedded or one-hot, spelt."""
    size = model.embedding if model.embedding and isinstance(spec, Tokens) else spec.size
    out = f"(B, {time}, {size})"
    if not isinstance(spec, Tokens):
        yield LayerPlan("values", out, out, None, "numbers are read as they are", 0, 0)
    elif model.embedding:
        frozen = model.pretrained is not None and model.pretrained.frozen
        why = f"{spec.size} tokens embedded{', frozen' if frozen else ''}"
        yield LayerPlan("embedding", f"(B, {time})", out, None, why, spec.size * size, size)
    else:
        why = f"{spec.size} tokens, no model.embedding"
        yield LayerPlan("one-hot", f"(B, {time})", out, None, why, 0, size)
    if model.characters is not None and isinstance(spec, Words):
        yield _characters(spec, model, time)


def _characters(spec: Words, model: Model, time: int) -> LayerPlan:
    """The layer that reads every word's characters, and joins its final states to the embedding."""
    settings, width = model.characters, spec.spelling.width
    assert settings is not None
    E, H = settings.embedding, settings.hidden_size
    gates, states = len(GATES[settings.cell]), len(STATES[settings.cell])
    return LayerPlan(
        "characters",
        f"(B, {time}, {width})",
        f"(B, {time}, {encoded_size(spec, model)})",
        None,
        f"both final states of a bi-{settings.cell} over each word's characters join its embedding",
        len(spec.spelling.characters) * E + 2 * gates * H * (E + H + 2),
        width * (2 * H * (gates + states + 1) + E),
    )


def _pool(pooling: str, size: int, time: int) -> LayerPlan:
    what = {"mean": "mean", "max": "largest value"}[pooling]
    why = f"the task wants one answer: the {what} of each unit over the valid steps"
    return LayerPlan("pool", f"(B, {time}, {size})", f"(B, {size})", None, why, 0, size)


def _image(model: Model, image: Image) -> list[LayerPlan]:
    """What reads the image; `stored` is that of the whole sequence here."""
    encoder = model.image_encoder
    flat = f"(B, {image.size})"
    if encoder is None:
        return [LayerPlan("image", _axes(image), flat, None, "no model.image_encoder", 0, 0)]
    maps = convolved(encoder, image)
    rows = [
        LayerPlan(
            f"convolution {number}",
            _axes(read),
            _axes(made),
            None,
            "3x3, ReLU, the largest of 2x2",
            made.channels * (9 * read.channels + 1),
            read.size + 2 * made.channels * read.height * read.width,
        )
        for number, (read, made) in enumerate(pairwise(maps), start=1)
    ]
    size, encoded = maps[-1].size, encoder.size
    flat, why = f"(B, {size})", "the image as one vector"
    linear = LayerPlan(
        "image linear", flat, f"(B, {encoded})", None, why, encoded * (size + 1), size + 2 * encoded
    )
    return [*rows, linear]


def _axes(image: Image) -> str:
    return f"(B, {image.channels}, {image.height}, {image.width})"


def _bridge(model: Model, condition: int) -> LayerPlan:
    states = len(STATES[model.cell]) * sum(model.hidden_sizes)
    why = "the condition sets the initial states"
    return LayerPlan(
        "bridge", f"(B, {condition})", f"(B, {states})", None, why, (condition + 1) * states, 0
    )


def recurrent_row(  # noqa: PLR0917
    model: Model, index: int, size: int, hidden: int, time: int, returned: bool, why: str
) -> LayerPlan:
    gates, states = len(GATES[model.cell]), len(STATES[model.cell])
    directions = 2 if model.bidirectional else 1
    weights = gates * hidden * (size + hidden + 2)
    if model.layer_norm:
        weights += 4 * gates * hidden + (2 * hidden if model.cell == "lstm" else 0)
    if model.initial_state == "learned":
        weights += states * hidden
    out = hidden * (directions if model.merge in (None, "concat") else 1)
    return LayerPlan(
        f"{'bi-' if model.bidirectional else ''}{model.cell} {index + 1}",
        f"(B, {time}, {size})",
        f"(B, {time}, {out})" if returned else f"(B, {out})",
        returned,
        why,
        directions * weights,
        directions * hidden * (gates + states + 1) + size,
    )


def _output_recurrent(  # noqa: PLR0917
    model: Model, index: int, size: int, fed_back: int, time: int, returned: bool, why: str
) -> LayerPlan:
    """H hidden units and O outputs: W_xh, W_ho, and W_oh (H, O) or W_oo (O, O), with biases."""
    hidden = model.hidden_sizes[index]
    to_hidden = model.recurrence == "output_to_hidden"
    loop = hidden * (fed_back + 1) if to_hidden else fed_back * fed_back
    return LayerPlan(
        f"{model.cell} {index + 1}",
        f"(B, {time}, {size})",
        f"(B, {time}, {fed_back})" if returned else f"(B, {fed_back})",
        returned,
        why,
        hidden * (size + 1) + fed_back * (hidden + 1) + loop,
        2 * hidden + 3 * fed_back + size,
    )


def _output(ends: Ends, model: Model, size: int, time: int | None) -> LayerPlan:
    outputs = ends.outputs.size
    shared = model.tied_embedding and model.embedding is not None
    axes = "B" if time is None else f"B, {time}"
    why = "scores of the classes" if isinstance(ends.outputs, Tokens) else "predicted values"
    if model.recurrence != "hidden_to_hidden":
        shape, why = f"({axes}, {outputs})", f"{why}: the top layer's own output, fed back"
        return LayerPlan("output", shape, shape, None, why, 0, 0)
    return LayerPlan(
        "output",
        f"({axes}, {size})",
        f"({axes}, {outputs})",
        None,
        why + (", weights shared with the embedding" if shared else ""),
        outputs * (1 if shared else size + 1),
        0 if time is None else 2 * outputs,
    )


# The sizes of an encoder-decoder before it exists, and its rows of the shape trace.

READ_BY_ATTENTION = "attention reads every step"
READ_BY_BRIDGE = "the bridge reads the last valid state"
READ_BY_OUTPUT = "a token is written at every step"


def decoder_of(model: Model) -> Decoder:
    """The settings of the decoder, written or not."""
    return model.decoder or Decoder()


def writer_of(model: Model) -> Model:
    """The decoder's own recurrent layers, as the settings of a stack.

    One direction, since the future is not written yet; a trained first state only where the bridge
    leaves that to the decoder.
    """
    settings = decoder_of(model)
    return model.model_copy(
        update={
            "hidden_sizes": settings.hidden_sizes or model.hidden_sizes,
            "embedding": settings.embedding or model.embedding,
            "bidirectional": False,
            "merge": None,
            "initial_state": model.initial_state if settings.bridge == "zero" else None,
            "pretrained": None,
        }
    )


def memory_size(model: Model) -> int:
    """M, what the encoder returns at each step."""
    concatenated = model.bidirectional and model.merge in (None, "concat")
    return model.hidden_sizes[-1] * (2 if concatenated else 1)


def final_size(model: Model) -> int:
    """How many numbers the final states of the encoder's top layer are."""
    directions = 2 if model.bidirectional else 1
    return directions * len(STATES[model.cell]) * model.hidden_sizes[-1]


def readout_size(model: Model) -> int:
    """R, what the output layer reads: the decoder's H, or its embedding where that is shared."""
    writer = writer_of(model)
    tied = decoder_of(model).tied_embedding and writer.embedding
    return tied or writer.hidden_sizes[-1]


def readout_inputs(model: Model) -> int | None:
    """What the readout W_r reads; None where the output layer reads h itself."""
    hidden, settings = writer_of(model).hidden_sizes[-1], decoder_of(model)
    if settings.attention != "none":
        return memory_size(model) + hidden
    return hidden if settings.tied_embedding else None


def plan_encoder_decoder(model: Model, dataset: Dataset) -> tuple[LayerPlan, ...]:
    """Every layer of the network that `build_encoder_decoder` makes, in order."""
    source, target = dataset.train.inputs.shape[1], dataset.train.targets.shape[1]
    # `stored` counts per time step of the target.
    encoder = [
        replace(row, name=f"encoder {row.name}", stored=-(-row.stored * source // target))
        for row in _encoder_rows(model, dataset, source)
    ]
    return (*encoder, *_decoder_rows(model, dataset, source, target))


def _encoder_rows(model: Model, dataset: Dataset, time: int) -> Iterator[LayerPlan]:
    yield from encoder_rows(dataset.inputs, model, time)
    read = decoder_of(model).attention != "none"
    yield from _stack_rows(
        model,
        encoded_size(dataset.inputs, model),
        time,
        READ_BY_ATTENTION if read else READ_BY_BRIDGE,
    )


def _stack_rows(model: Model, size: int, time: int, why: str) -> Iterator[LayerPlan]:
    for index, hidden in enumerate(model.hidden_sizes):
        last = index + 1 == len(model.hidden_sizes)
        because = why if last else READ_BY_NEXT
        returned = not (last and why is READ_BY_BRIDGE)
        yield recurrent_row(model, index, size, hidden, time, returned, because)
        size = hidden * (2 if model.bidirectional and model.merge in (None, "concat") else 1)


def _decoder_rows(model: Model, dataset: Dataset, source: int, time: int) -> Iterator[LayerPlan]:
    settings, writer = decoder_of(model), writer_of(model)
    yield from _bridge_row(model)
    for row in encoder_rows(dataset.outputs, writer, time):
        yield replace(row, name=f"decoder {row.name}")
    size = encoded_size(dataset.outputs, writer)
    size += readout_size(model) if settings.input_feeding else 0
    for row in _stack_rows(writer, size, time, READ_BY_OUTPUT):
        yield replace(row, name=f"decoder {row.name}")
    yield from _attention_rows(model, source, time)
    read, tokens = readout_size(model), dataset.outputs.size
    yield LayerPlan(
        "output",
        f"(B, {time}, {read})",
        f"(B, {time}, {tokens})",
        None,
        "scores of the tokens"
        + (", weights shared with the embedding" if settings.tied_embedding else ""),
        tokens * (1 if settings.tied_embedding else read + 1),
        3 * tokens,
    )


def _bridge_row(model: Model) -> Iterator[LayerPlan]:
    kind, read = decoder_of(model).bridge, final_size(model)
    if kind == "zero":
        return
    written = len(STATES[model.cell]) * sum(writer_of(model).hidden_sizes)
    if kind == "copy":
        why = "the encoder's final states, layer by layer"
        yield LayerPlan("bridge", f"(B, {written})", f"(B, {written})", None, why, 0, 0)
        return
    why = "the encoder's final states set the decoder's first ones"
    weights = (read + 1) * written
    yield LayerPlan("bridge", f"(B, {read})", f"(B, {written})", None, why, weights, 0)


def _attention_rows(model: Model, source: int, time: int) -> Iterator[LayerPlan]:
    kind, memory = decoder_of(model).attention, memory_size(model)
    hidden, size = writer_of(model).hidden_sizes[-1], readout_size(model)
    weights = {"general": memory * hidden, "additive": hidden * (memory + hidden + 1)}
    if kind != "none":
        yield LayerPlan(
            f"attention {kind}",
            f"(B, {time}, {hidden})",
            f"(B, {time}, {memory})",
            None,
            f"each step reads {source} steps of the encoder",
            weights.get(kind, 0),
            memory + source * (2 * hidden if kind == "additive" else 2),
        )
    read = readout_inputs(model)
    if read is not None:
        yield LayerPlan(
            "readout",
            f"(B, {time}, {read})",
            f"(B, {time}, {size})",
            None,
            "what attention found beside h" if kind != "none" else "as wide as the embedding",
            (read + 1) * size,
            read + size,
        )
