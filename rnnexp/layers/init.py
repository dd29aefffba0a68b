"""How recurrent weights start. Blocks of gates are initialised gate by gate.

Sources: orthogonal, Saxe 2014; identity (IRNN), Le, Jaitly, Hinton 2015; forget-gate bias,
Jozefowicz 2015; chrono, Tallec and Ollivier 2018; Glorot 2010.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from rnnexp.config.schema.model import Init
from rnnexp.layers.direction import HiddenDirection
from rnnexp.layers.output_direction import OutputDirection
from rnnexp.layers.shape_plan import GATES

__all__ = ["initialise", "initialise_output", "spectral_radius"]


@torch.no_grad()
def initialise(
    direction: HiddenDirection,
    init: Init,
    forget_bias: float | Literal["chrono"] = 1.0,
    time_steps: int = 2,
) -> None:
    """Overwrite the weights and biases of one direction in place.

    Biases start at 0, the LSTM's forget gate at `forget_bias` (all of it in b_ih). With `chrono`
    each unit keeps its state for about as many steps as it draws, U ~ uniform(1, T - 1): b_f =
    log U and b_i = -b_f in an LSTM; b_z = log U in a GRU, where z is the share that is kept.
    """
    gates = GATES[direction.cell]
    W_xh_GI, W_hh_GH, b_xh_G, b_hh_G = direction.weights
    if init.input == "glorot":
        for block_HI in W_xh_GI.chunk(len(gates)):
            nn.init.xavier_uniform_(block_HI)
    for block_HH in W_hh_GH.chunk(len(gates)):
        _recurrent(block_HH, init)
    nn.init.zeros_(b_xh_G)
    nn.init.zeros_(b_hh_G)
    blocks = dict(zip(gates, b_xh_G.chunk(len(gates)), strict=True))
    if forget_bias == "chrono":
        _chrono(blocks, time_steps)
    elif direction.cell == "lstm":
        blocks["f"].fill_(forget_bias)


def _chrono(biases: dict[str, Tensor], time_steps: int) -> None:
    kept = biases["f" if "f" in biases else "z"]
    kept.uniform_(1, max(time_steps - 1, 1)).log_()
    if "f" in biases:
        biases["i"].copy_(-kept)


@torch.no_grad()
def initialise_output(direction: OutputDirection, init: Init) -> None:
    """The same for a layer that feeds its output back; W_ho starts as an output layer does.

    `init.recurrent` acts on the matrix that reads o_{t-1}: W_oo (O, O), or W_oh (H, O).
    """
    weights = dict(direction.rnn.named_parameters())
    if init.input == "glorot":
        nn.init.xavier_uniform_(weights["weight_ih_l0"])
    output_to_output = direction.recurrence == "output_to_output"
    _recurrent(weights["weight_oo_l0" if output_to_output else "weight_oh_l0"], init)
    nn.init.xavier_uniform_(weights["weight_ho_l0"])
    for name, value in weights.items():
        if name.startswith("bias"):
            nn.init.zeros_(value)


def _recurrent(block_HH: Tensor, init: Init) -> None:
    if init.recurrent == "orthogonal":
        nn.init.orthogonal_(block_HH)
    elif init.recurrent == "identity":
        nn.init.eye_(block_HH)
    elif init.recurrent == "glorot":
        nn.init.xavier_uniform_(block_HH)
    elif init.recurrent == "spectral_radius":
        block_HH.normal_()
        block_HH.mul_((init.spectral_radius or 1.0) / spectral_radius(block_HH))


def spectral_radius(W_HH: Tensor) -> float:
    """The largest absolute eigenvalue of a square matrix."""
    return float(torch.linalg.eigvals(W_HH.double()).abs().max())
