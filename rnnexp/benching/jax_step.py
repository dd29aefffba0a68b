"""The same training step in JAX: `lax.scan` over time, optax, all in one compiled function.

Imports no package of ours: a peer's Python may not have what they need.
Shape letters: B batch, T time, I input, H hidden, G = gates * H.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from rnnexp.benching.shape import GATES, Shape

__all__ = ["draw_weights", "loss_of", "make_step"]

Array = Any
Weights = dict[str, Array]


def make_step(cell: str, shape: Shape) -> Callable[[], float]:
    """Forward, loss on the last step through a linear head, backward, clip by norm, Adam.

    The weights and the optimizer's state are donated, so that they are updated in place.
    """
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-3))
    key = jax.random.key(0)
    x_TBI = jax.random.normal(key, (shape.T, shape.B, shape.I))
    y_B1 = jax.random.normal(key, (shape.B, 1))

    @partial(jax.jit, donate_argnums=(0, 1))
    def update(weights: Any, state: Any, x_TBI: Array, y_B1: Array) -> tuple[Any, Any, Array]:
        loss, gradient = jax.value_and_grad(partial(loss_of, cell))(weights, x_TBI, y_B1)
        changes, state = optimizer.update(gradient, state, weights)
        return optax.apply_updates(weights, changes), state, loss

    weights = draw_weights(cell, shape, key)
    kept = [weights, optimizer.init(weights)]

    def step() -> float:
        kept[0], kept[1], loss = update(*kept, x_TBI, y_B1)
        jax.block_until_ready(kept)
        return float(loss)

    return step


def loss_of(cell: str, weights: Any, x_TBI: Array, y_B1: Array) -> Array:
    """The mean squared error of the head on the last step."""
    h_TBH = x_TBI
    for layer in weights["layers"]:
        h_TBH = _layer(cell, layer, h_TBH)
    o_B1 = h_TBH[-1] @ weights["head"]["w"] + weights["head"]["b"]
    return jnp.mean((o_B1 - y_B1) ** 2)


def _layer(cell: str, w: Weights, x_TBI: Array) -> Array:
    """One layer over the whole sequence; the input's product is one for all time steps."""
    zx_TBG = x_TBI @ w["w_ih"] + w["b_ih"]
    zeros_BH = jnp.zeros((x_TBI.shape[1], w["w_hh"].shape[0]))
    state = (zeros_BH, zeros_BH) if cell == "lstm" else (zeros_BH,)
    return jax.lax.scan(partial(STEPS[cell], w), state, zx_TBG)[1]


def _rnn(w: Weights, state: Any, zx_BG: Array) -> tuple[Any, Array]:
    h_BH = jnp.tanh(zx_BG + state[0] @ w["w_hh"] + w["b_hh"])
    return (h_BH,), h_BH


def _gru(w: Weights, state: Any, zx_BG: Array) -> tuple[Any, Array]:
    (h_BH,) = state
    rx, ux, nx = jnp.split(zx_BG, 3, axis=-1)
    rh, uh, nh = jnp.split(h_BH @ w["w_hh"] + w["b_hh"], 3, axis=-1)
    r_BH, u_BH = jax.nn.sigmoid(rx + rh), jax.nn.sigmoid(ux + uh)
    n_BH = jnp.tanh(nx + r_BH * nh)
    h_BH = (1 - u_BH) * n_BH + u_BH * h_BH
    return (h_BH,), h_BH


def _lstm(w: Weights, state: Any, zx_BG: Array) -> tuple[Any, Array]:
    h_BH, c_BH = state
    i, f, g, o = jnp.split(zx_BG + h_BH @ w["w_hh"] + w["b_hh"], 4, axis=-1)
    c_BH = jax.nn.sigmoid(f) * c_BH + jax.nn.sigmoid(i) * jnp.tanh(g)
    h_BH = jax.nn.sigmoid(o) * jnp.tanh(c_BH)
    return (h_BH, c_BH), h_BH


STEPS = {"rnn": _rnn, "gru": _gru, "lstm": _lstm}


def draw_weights(cell: str, shape: Shape, key: Array) -> Any:
    """Uniform in 1 / sqrt(H), as torch draws them."""
    width, bound = GATES[cell] * shape.H, shape.H**-0.5

    def draw(*sizes: int) -> Array:
        nonlocal key
        key, fresh = jax.random.split(key)
        return jax.random.uniform(fresh, sizes, minval=-bound, maxval=bound)

    layers = [
        {
            "w_ih": draw(shape.H if number else shape.I, width),
            "w_hh": draw(shape.H, width),
            "b_ih": draw(width),
            "b_hh": draw(width),
        }
        for number in range(shape.L)
    ]
    return {"layers": layers, "head": {"w": draw(shape.H, 1), "b": draw(1)}}
