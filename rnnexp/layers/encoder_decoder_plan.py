"""The sizes of an encoder-decoder before it exists, and its rows of the shape trace.

Shape letters: B batch, S source time, T target time, M memory, R readout. No torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rnnexp.config.schema.model import Decoder, Model
from rnnexp.data.dataset import Dataset
from rnnexp.layers.shape_plan import (
    READ_BY_NEXT,
    STATES,
    LayerPlan,
    encoded_size,
    encoder_rows,
    recurrent_row,
)

__all__ = [
    "decoder_of",
    "final_size",
    "memory_size",
    "plan_encoder_decoder",
    "readout_inputs",
    "readout_size",
    "writer_of",
]

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
