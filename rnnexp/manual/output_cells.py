"""The two recurrences that feed the output back, by hand; their state is the output o_t.

Shape letters: I input, H hidden, O output; `...` leading axes. A step that is teacher-forced reads
`forced_o` in place of its own o_{t-1}, and no gradient flows back through that.
"""

from __future__ import annotations

import numpy as np

from rnnexp.manual.cells import Cell, activate, outer, slope, summed
from rnnexp.manual.norm import Array, Values, Weights

__all__ = ["OutputCell", "OutputToHiddenCell", "OutputToOutputCell"]


class OutputCell(Cell):
    """What both have in common: o_t = f(z_o), and which of the two a layer passes upward.

    logits: y_t is z_o, for a loss that applies the softmax itself; otherwise it is o_t.
    """

    gates = ("h",)

    def __init__(
        self, output_size: int, activation: str, output_activation: str, logits: bool
    ) -> None:
        self.state_size = self.output_size = output_size
        self.activation, self.output_activation = activation, output_activation
        self.logits = logits

    def fed_back(self, s: Array, teacher: tuple[Array, Array] | None) -> Values:
        """o_{t-1} as the step reads it, and how much of it is its own: 1 free, 0 forced."""
        if teacher is None:
            return {"o_prev": s, "free": np.ones_like(s[..., :1])}
        truth, forced = teacher
        return {"o_prev": np.where(forced > 0, truth, s).astype(s.dtype), "free": 1 - forced}

    def emitted(self, z_o: Array) -> Values:
        o = activate(self.output_activation, z_o)
        return {"z_o": z_o, "o": o, "s": o, "y": z_o if self.logits else o}

    def emitted_backward(self, a: Values, ds: Array, dy: Array) -> Array:
        """dL/dz_o from dL/do and dL/dy."""
        do = ds if self.logits else ds + dy
        if self.output_activation == "softmax":
            dz_o = a["o"] * (do - (do * a["o"]).sum(-1, keepdims=True))
        else:
            dz_o = do * slope(self.output_activation, a["o"])
        arrived: Array = dz_o + dy if self.logits else dz_o
        return arrived

    def input_gradient(self, w: Weights, a: Values, dz: Values) -> Array:
        gradient: Array = dz["h"] @ w["W_xh"]
        return gradient


class OutputToHiddenCell(OutputCell):
    """h_t = act(W_xh x_t + b_xh + W_oh o_{t-1} + b_oh), o_t = f(W_ho h_t + b_o)."""

    recurrent = "W_oh"

    def forward(
        self, w: Weights, x: Array, s: Array, teacher: tuple[Array, Array] | None = None
    ) -> Values:
        a = {"x": x} | self.fed_back(s, teacher)
        z = x @ w["W_xh"].T + w["b_xh"] + a["o_prev"] @ w["W_oh"].T + w["b_oh"]
        h = activate(self.activation, z)
        return a | {"z": z, "h": h} | self.emitted(h @ w["W_ho"].T + w["b_o"])

    def backward(self, w: Weights, a: Values, ds: Array, dy: Array) -> tuple[Values, Array]:
        dz_o = self.emitted_backward(a, ds, dy)
        dz = (dz_o @ w["W_ho"]) * slope(self.activation, a["h"])
        return {"o": dz_o, "h": dz}, (dz @ w["W_oh"]) * a["free"]

    def immediate(self, w: Weights, a: Values, dz: Values) -> Values:
        return {
            "W_xh": outer(dz["h"], a["x"]),
            "b_xh": summed(dz["h"]),
            "W_oh": outer(dz["h"], a["o_prev"]),
            "b_oh": summed(dz["h"]),
            "W_ho": outer(dz["o"], a["h"]),
            "b_o": summed(dz["o"]),
        }


class OutputToOutputCell(OutputCell):
    """h_t = act(W_xh x_t + b_xh), o_t = f(W_ho h_t + b_o + W_oo o_{t-1}): no W_hh at all."""

    recurrent = "W_oo"

    def forward(
        self, w: Weights, x: Array, s: Array, teacher: tuple[Array, Array] | None = None
    ) -> Values:
        a = {"x": x} | self.fed_back(s, teacher)
        z = x @ w["W_xh"].T + w["b_xh"]
        h = activate(self.activation, z)
        z_o = h @ w["W_ho"].T + w["b_o"] + a["o_prev"] @ w["W_oo"].T
        return a | {"z": z, "h": h} | self.emitted(z_o)

    def backward(self, w: Weights, a: Values, ds: Array, dy: Array) -> tuple[Values, Array]:
        dz_o = self.emitted_backward(a, ds, dy)
        dz = (dz_o @ w["W_ho"]) * slope(self.activation, a["h"])
        return {"o": dz_o, "h": dz}, (dz_o @ w["W_oo"]) * a["free"]

    def immediate(self, w: Weights, a: Values, dz: Values) -> Values:
        return {
            "W_xh": outer(dz["h"], a["x"]),
            "b_xh": summed(dz["h"]),
            "W_ho": outer(dz["o"], a["h"]),
            "b_o": summed(dz["o"]),
            "W_oo": outer(dz["o"], a["o_prev"]),
        }
