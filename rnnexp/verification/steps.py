"""One layer read step by step: what goes in, every gate, what comes out by hand and by layer."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch

from rnnexp.layers.network import Network
from rnnexp.manual.norm import Values
from rnnexp.tasks.task import Task
from rnnexp.verification.computed import by_layers, symbol_of
from rnnexp.verification.probe import Probe
from rnnexp.verification.transcribe import transcribe

__all__ = ["steps"]


def steps(
    network: Network, task: Task, probe: Probe, layer: int = 1, gates: bool = False
) -> list[dict[str, Any]]:
    """The time steps of the probe's first sequence in one layer (from 1), in float32.

    Keys: `t` (from 1), `x`, `z_x` (W_xh x_t + b_xh) and `z_h` (W_hh h_{t-1} + b_hh) where the cell
    has them, with `gates` each gate and c, then `by_hand` and `layer`: h_t or o_t by each.
    """
    single = copy.deepcopy(network).to(torch.float32).eval()
    ours = by_layers(single, task, probe.to(torch.float32))
    written = transcribe(single, np.float32)
    sequence = next(probe.sequences(np.float32))
    run = written.forward(sequence.inputs, sequence.condition, sequence.teacher)
    reader, values = written.layers[layer - 1].readers[0], run.values[layer - 1][0]
    found = ours.forward[f"layer {layer} {symbol_of(reader.cell)}"][0]
    shown = ["x", "z_x", "z_h", *(_gates(values) if gates else ())]
    return [
        {"t": t + 1}
        | {symbol: values[symbol][t].tolist() for symbol in shown if symbol in values}
        | {"by_hand": values["y"][t].tolist(), "layer": found[t].tolist()}
        for t in range(len(found))
    ]


def _gates(values: Values) -> list[str]:
    """The gates and states that a step computes, in the order of the equations."""
    named = ("h",) if "z_o" in values else ("i", "f", "g", "o", "c", "r", "z", "n")
    return [symbol for symbol in named if symbol in values]
