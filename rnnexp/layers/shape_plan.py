"""The shapes of a network before it exists: what each layer reads and returns, and what that costs.

Shape letters: B batch, T time, I input, H hidden, O output, V vocabulary, D directions.
No torch: `plan` and the memory guard use this before any tensor is made.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnexp.config.schema.model import Model
from rnnexp.data.dataset import Dataset, Tokens, Values

__all__ = [
    "GATES",
    "STATES",
    "LayerPlan",
    "encoded_size",
    "encoder_row",
    "output_sizes",
    "plan_layers",
    "recurrent_row",
    "return_sequences",
]

GATES = {"rnn": ("h",), "lstm": ("i", "f", "g", "o"), "gru": ("r", "z", "n")}
STATES = {"rnn": ("h",), "lstm": ("h", "c"), "gru": ("h",)}

READ_BY_NEXT = "the next layer reads every step"
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


def return_sequences(layers: int, shape: str) -> tuple[bool, ...]:
    """Which recurrent layers return their whole sequence.

    Every layer but the last must, because the next one reads it; the last one does unless the
    task wants one answer per sequence.
    """
    return (*(True for _ in range(layers - 1)), shape != "many_to_one")


def encoded_size(spec: Values | Tokens, embedding: int | None) -> int:
    """I, what the first layer reads per step: values as they are, tokens embedded or one-hot."""
    return embedding if embedding and isinstance(spec, Tokens) else spec.size


def output_sizes(model: Model, outputs: Values | Tokens) -> tuple[int, ...]:
    """O of each layer that feeds its output back: H inside, the network's outputs on top."""
    return (*model.hidden_sizes[:-1], outputs.size)


def plan_layers(model: Model, dataset: Dataset, conditioning: str | None) -> tuple[LayerPlan, ...]:
    """Every layer of the network that `build_network` makes, in order."""
    time = dataset.time_steps
    steps = dataset.outputs if conditioning else dataset.inputs
    size = encoded_size(steps, model.embedding)
    rows = [encoder_row(steps, model, time)]
    if conditioning == "initial_state":
        rows.append(_bridge(model, dataset.inputs.size))
    elif conditioning == "every_step":
        size += dataset.inputs.size
    returns = return_sequences(len(model.hidden_sizes), dataset.shape)
    fed_back = output_sizes(model, dataset.outputs)
    for index, (hidden, returned) in enumerate(zip(model.hidden_sizes, returns, strict=True)):
        last = index + 1 == len(model.hidden_sizes)
        why = READ_BY_NEXT if not last else EVERY_STEP if returned else ONE_ANSWER
        if model.recurrence != "hidden_to_hidden":
            row = _output_recurrent(model, index, size, fed_back[index], time, returned, why)
            rows.append(row)
            size = fed_back[index]
            continue
        rows.append(recurrent_row(model, index, size, hidden, time, returned, why))
        size = hidden * (2 if model.bidirectional and model.merge in (None, "concat") else 1)
    rows.append(_output(dataset, model, size, time if returns[-1] else None))
    return tuple(rows)


def encoder_row(spec: Values | Tokens, model: Model, time: int) -> LayerPlan:
    size = encoded_size(spec, model.embedding)
    out = f"(B, {time}, {size})"
    if isinstance(spec, Values):
        return LayerPlan("values", out, out, None, "numbers are read as they are", 0, 0)
    if model.embedding:
        weights = spec.size * model.embedding
        why = f"{spec.size} tokens embedded"
        return LayerPlan("embedding", f"(B, {time})", out, None, why, weights, size)
    why = f"{spec.size} tokens, no model.embedding"
    return LayerPlan("one-hot", f"(B, {time})", out, None, why, 0, size)


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


def _output(dataset: Dataset, model: Model, size: int, time: int | None) -> LayerPlan:
    outputs = dataset.outputs.size
    shared = model.tied_embedding and model.embedding is not None
    axes = "B" if time is None else f"B, {time}"
    why = "scores of the classes" if isinstance(dataset.outputs, Tokens) else "predicted values"
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
