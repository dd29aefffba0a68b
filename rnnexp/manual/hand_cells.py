"""The two recurrences that feed the output back, by hand; their state is the output o_t.

Shape letters: I input, H hidden, S state (H, or h and c side by side: 2H), G = gates * H; `...`
stands for any leading axes (none, time, batch), which all formulas carry along.
Shape letters: I input, H hidden, O output; `...` leading axes. A step that is teacher-forced
reads
`forced_o` in place of its own o_{t-1}, and no gradient flows back through that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Array",
    "Cell",
    "GruCell",
    "HiddenCell",
    "LstmCell",
    "OutputCell",
    "OutputToHiddenCell",
    "OutputToOutputCell",
    "RnnCell",
    "Values",
    "Weights",
    "outer",
    "summed",
]


# Layer normalisation by hand: y = gain * (u - mean) / sqrt(variance + eps) + shift.

Array = NDArray[Any]
Weights = Mapping[str, Array]
Values = dict[str, Array]

EPS = 1e-5


def norm(w: Weights, part: str, u: Array) -> tuple[Array, Values]:
    """The normalised u (..., G), and what its backward step needs; u itself without a gain.

    part: `x`, `h` or `c`, whose `gain_` and `shift_` are used (Ba, Kiros, Hinton 2016).
    """
    if f"gain_{part}" not in w:
        return u, {}
    mean, variance = u.mean(-1, keepdims=True), u.var(-1, keepdims=True)
    scale = 1 / np.sqrt(variance + u.dtype.type(EPS))
    centred = (u - mean) * scale
    y = w[f"gain_{part}"] * centred + w[f"shift_{part}"]
    return y, {f"centred_{part}": centred, f"scale_{part}": scale}


def norm_backward(w: Weights, part: str, a: Values, dy: Array) -> Array:
    """dL/du from dL/dy."""
    if f"gain_{part}" not in w:
        return dy
    centred, scale = a[f"centred_{part}"], a[f"scale_{part}"]
    d = dy * w[f"gain_{part}"]
    mean, along = d.mean(-1, keepdims=True), (d * centred).mean(-1, keepdims=True)
    du: Array = (d - mean - centred * along) * scale
    return du


def norm_gradients(w: Weights, part: str, a: Values, dy: Array) -> Values:
    """dL/dgain and dL/dshift, summed over all axes but the last."""
    if f"gain_{part}" not in w:
        return {}
    axes = tuple(range(dy.ndim - 1))
    return {
        f"gain_{part}": (dy * a[f"centred_{part}"]).sum(axes),
        f"shift_{part}": dy.sum(axes),
    }


# The cells by hand: one step of the equations forward, one step of the chain rule backward.
#
# A cell keeps what it computed in a dictionary by symbol (`x`, `h`, `i`, `f`, ...). `backward`
# takes the gradient that arrives at the state s_t and at the output y_t of a step; the state's
# share of it is ds_t/ds_{t-1} applied from the left, so a loop over it multiplies Jacobians.


class Cell(ABC):
    """One time step of a recurrence.

    gates: names of the blocks of rows of W_xh, in order. state_size: S, output_size: size of y.
    """

    gates: ClassVar[tuple[str, ...]]
    recurrent: ClassVar[str] = "W_hh"
    state_size: int
    output_size: int

    @abstractmethod
    def forward(self, w: Weights, x: Array, s: Array) -> Values:
        """The values of step t from x_t (..., I) and s_{t-1} (..., S); `s` and `y` among them."""

    @abstractmethod
    def backward(self, w: Weights, a: Values, ds: Array, dy: Array) -> tuple[Values, Array]:
        """dL/dz of every pre-activation of step t, and dL/ds_{t-1}.

        ds (..., S) and dy (..., Y) are dL/ds_t and dL/dy_t; broadcast against the values `a`.
        """

    @abstractmethod
    def immediate(self, w: Weights, a: Values, dz: Values) -> Values:
        """dL/dW of the step itself, s_{t-1} held fixed, summed over the leading axes."""

    @abstractmethod
    def input_gradient(self, w: Weights, a: Values, dz: Values) -> Array:
        """dL/dx_t (..., I)."""


class HiddenCell(Cell):
    """Hidden-to-hidden recurrence: z_x = W_xh x_t + b_xh and z_h = W_hh h_{t-1} + b_hh first."""

    def __init__(self, hidden_size: int) -> None:
        self.hidden_size = self.output_size = hidden_size
        self.state_size = hidden_size

    def forward(self, w: Weights, x: Array, s: Array) -> Values:
        h_prev = s[..., : self.hidden_size]
        u_x, kept_x = norm(w, "x", x @ w["W_xh"].T)
        u_h, kept_h = norm(w, "h", h_prev @ w["W_hh"].T)
        a = {"x": x, "h_prev": h_prev, "z_x": u_x + w["b_xh"], "z_h": u_h + w["b_hh"]}
        a |= kept_x | kept_h
        a |= self.step(w, a, s)
        return a | {"y": a["h"]}

    def backward(self, w: Weights, a: Values, ds: Array, dy: Array) -> tuple[Values, Array]:
        dh = ds[..., : self.hidden_size] + dy
        dz, ds_kept = self.step_backward(w, a, dh, ds)
        dz |= {"u_x": norm_backward(w, "x", a, dz["x"]), "u_h": norm_backward(w, "h", a, dz["h"])}
        ds_kept[..., : self.hidden_size] += dz["u_h"] @ w["W_hh"]
        return dz, ds_kept

    def immediate(self, w: Weights, a: Values, dz: Values) -> Values:
        gradients = {
            "W_xh": outer(dz["u_x"], a["x"]),
            "W_hh": outer(dz["u_h"], a["h_prev"]),
            "b_xh": summed(dz["x"]),
            "b_hh": summed(dz["h"]),
        }
        for part in ("x", "h", "c"):
            if part in dz:
                gradients |= norm_gradients(w, part, a, dz[part])
        return gradients

    def input_gradient(self, w: Weights, a: Values, dz: Values) -> Array:
        gradient: Array = dz["u_x"] @ w["W_xh"]
        return gradient

    @abstractmethod
    def step(self, w: Weights, a: Values, s: Array) -> Values:
        """`h`, `s` and the gates from `z_x`, `z_h` and s_{t-1}."""

    @abstractmethod
    def step_backward(self, w: Weights, a: Values, dh: Array, ds: Array) -> tuple[Values, Array]:
        """dL/dz_x and dL/dz_h (`x`, `h`), and the share of dL/ds_{t-1} that passes by W_hh."""


class RnnCell(HiddenCell):
    """h_t = f(W_xh x_t + b_xh + W_hh h_{t-1} + b_hh)."""

    gates = ("h",)

    def __init__(self, hidden_size: int, activation: str = "tanh") -> None:
        super().__init__(hidden_size)
        self.activation = activation

    def step(self, w: Weights, a: Values, s: Array) -> Values:
        h = activate(self.activation, a["z_x"] + a["z_h"])
        return {"h": h, "s": h}

    def step_backward(self, w: Weights, a: Values, dh: Array, ds: Array) -> tuple[Values, Array]:
        dz = dh * slope(self.activation, a["h"])
        return {"x": dz, "h": dz}, np.zeros_like(dz)


class LstmCell(HiddenCell):
    """c_t = f * c_{t-1} + i * g and h_t = o * tanh(c_t); the state is (h, c)."""

    gates = ("i", "f", "g", "o")

    def __init__(self, hidden_size: int) -> None:
        super().__init__(hidden_size)
        self.state_size = 2 * hidden_size

    def step(self, w: Weights, a: Values, s: Array) -> Values:
        z_i, z_f, z_g, z_o = np.split(a["z_x"] + a["z_h"], 4, axis=-1)
        i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
        c_prev = s[..., self.hidden_size :]
        c = f * c_prev + i * g
        normed_c, kept = norm(w, "c", c)
        tanh_c = np.tanh(normed_c)
        h = o * tanh_c
        gates = {"i": i, "f": f, "g": g, "o": o}
        state = {"c_prev": c_prev, "c": c, "tanh_c": tanh_c, "h": h}
        return gates | kept | state | {"s": np.concatenate([h, c], axis=-1)}

    def step_backward(self, w: Weights, a: Values, dh: Array, ds: Array) -> tuple[Values, Array]:
        i, f, g, o, tanh_c = a["i"], a["f"], a["g"], a["o"], a["tanh_c"]
        d_normed_c = dh * o * (1 - tanh_c**2)
        dc = ds[..., self.hidden_size :] + norm_backward(w, "c", a, d_normed_c)
        dz = np.concatenate(
            [
                dc * g * i * (1 - i),
                dc * a["c_prev"] * f * (1 - f),
                dc * i * (1 - g**2),
                dh * tanh_c * o * (1 - o),
            ],
            axis=-1,
        )
        dc_prev = dc * f
        return {"x": dz, "h": dz, "c": d_normed_c}, np.concatenate(
            [np.zeros_like(dc_prev), dc_prev], axis=-1
        )


class GruCell(HiddenCell):
    """h_t = (1 - z) * n + z * h_{t-1}, n = tanh(x_n + r * h_n): torch's variant of the GRU."""

    gates = ("r", "z", "n")

    def step(self, w: Weights, a: Values, s: Array) -> Values:
        x_r, x_z, x_n = np.split(a["z_x"], 3, axis=-1)
        h_r, h_z, h_n = np.split(a["z_h"], 3, axis=-1)
        r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        n = np.tanh(x_n + r * h_n)
        h = (1 - z) * n + z * s
        return {"r": r, "z": z, "n": n, "h_n": h_n, "h": h, "s": h}

    def step_backward(self, w: Weights, a: Values, dh: Array, ds: Array) -> tuple[Values, Array]:
        r, z, n = a["r"], a["z"], a["n"]
        d_n = dh * (1 - z) * (1 - n**2)
        d_z = dh * (a["h_prev"] - n) * z * (1 - z)
        d_r = d_n * a["h_n"] * r * (1 - r)
        dz_x = np.concatenate([d_r, d_z, d_n], axis=-1)
        dz_h = np.concatenate([d_r, d_z, d_n * r], axis=-1)
        return {"x": dz_x, "h": dz_h}, dh * z


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^-z), written so that it does not overflow."""
    result: Array = z.dtype.type(0.5) * (1 + np.tanh(z / 2))
    return result


def activate(name: str, z: Array) -> Array:
    """tanh, relu, identity or softmax (over the last axis)."""
    if name == "softmax":
        e = np.exp(z - z.max(-1, keepdims=True))
        result: Array = e / e.sum(-1, keepdims=True)
        return result
    if name == "relu":
        z = np.maximum(z, z.dtype.type(0))
    y: Array = np.tanh(z) if name == "tanh" else z
    return y


def slope(name: str, y: Array) -> Array:
    """The derivative of tanh, relu or identity, from the function's value y."""
    if name == "tanh":
        return 1 - y**2
    return (y > 0).astype(y.dtype) if name == "relu" else np.ones_like(y)


def outer(dz: Array, x: Array) -> Array:
    """dL/dW of z = W x, summed over the leading axes: dz^T x (G, I)."""
    result: Array = dz.reshape(-1, dz.shape[-1]).T @ x.reshape(-1, x.shape[-1])
    return result


def summed(dz: Array) -> Array:
    """dL/db of z = ... + b, summed over the leading axes."""
    result: Array = dz.reshape(-1, dz.shape[-1]).sum(0)
    return result


# The two recurrences that feed the output back, by hand; their state is the output o_t.


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
