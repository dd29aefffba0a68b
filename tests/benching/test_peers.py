"""JAX's step is the same network as torch's: same loss, same gradients, from the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from rnnexp.benching.shape import CELLS, Shape

jax = pytest.importorskip("jax")
pytest.importorskip("optax")

SHAPE = Shape(4, 7, 3, 5, 2)


@pytest.mark.parametrize("cell", CELLS)
def test_the_equations_are_torchs(cell: str) -> None:
    from rnnexp.benching.jax_step import draw_weights, loss_of

    weights = draw_weights(cell, SHAPE, jax.random.key(0))
    layer, head = getattr(nn, cell.upper())(SHAPE.I, SHAPE.H, SHAPE.L), nn.Linear(SHAPE.H, 1)
    theirs = {
        **{f"layer.{name}_l{k}": w for k, each in enumerate(weights["layers"]) for name, w in
           (("weight_ih", each["w_ih"].T), ("weight_hh", each["w_hh"].T),
            ("bias_ih", each["b_ih"]), ("bias_hh", each["b_hh"]))},
        "head.weight": weights["head"]["w"].T, "head.bias": weights["head"]["b"],
    }  # fmt: skip
    network = nn.ModuleDict({"layer": layer, "head": head})
    network.load_state_dict({name: torch.tensor(np.array(w)) for name, w in theirs.items()})
    x_TBI = torch.randn(SHAPE.T, SHAPE.B, SHAPE.I)
    y_B1 = torch.randn(SHAPE.B, 1)
    loss = F.mse_loss(head(layer(x_TBI)[0][-1]), y_B1)
    loss.backward()  # type: ignore[no-untyped-call]
    own = jax.value_and_grad(lambda w: loss_of(cell, w, x_TBI.numpy(), y_B1.numpy()))
    value, gradients = own(weights)
    assert float(value) == pytest.approx(loss.item(), rel=1e-5)
    for k, each in enumerate(gradients["layers"]):
        expected = layer.get_parameter(f"weight_hh_l{k}").grad
        np.testing.assert_allclose(np.array(each["w_hh"]).T, expected, atol=1e-6)
