"""The equations by hand against published definitions: torch's layers, ONNX's operators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from rnnexp.manual.hand_cells import Cell, GruCell, LstmCell, RnnCell
from rnnexp.manual.unroll import double_sum, unroll

H, I, T, B = 4, 3, 6, 2  # noqa: E741

CELLS: dict[str, Cell] = {
    "RNN": RnnCell(H),
    "LSTM": LstmCell(H),
    "GRU": GruCell(H),
}


def weights(name: str) -> dict[str, Any]:
    rng, gates = np.random.default_rng(0), {"RNN": 1, "LSTM": 4, "GRU": 3}[name]
    shapes = {
        "W_xh": (gates * H, I),
        "W_hh": (gates * H, H),
        "b_xh": (gates * H,),
        "b_hh": (gates * H,),
    }
    return {symbol: 0.5 * rng.standard_normal(shape) for symbol, shape in shapes.items()}


@pytest.mark.parametrize("name", CELLS)
def test_forward_and_double_sum_are_those_of_torch(name: str) -> None:
    """1e-12: both in float64, only the order of sums differs."""
    w, rng = weights(name), np.random.default_rng(1)
    layer = getattr(torch.nn, name)(I, H).double()
    names = {"W_xh": "weight_ih_l0", "W_hh": "weight_hh_l0", "b_xh": "bias_ih_l0"}
    names["b_hh"] = "bias_hh_l0"
    layer.load_state_dict({names[k]: torch.from_numpy(v) for k, v in w.items()})
    x, dy = rng.standard_normal((T, B, I)), rng.standard_normal((T, B, H))
    s_0 = rng.standard_normal((B, CELLS[name].state_size))

    values = unroll(CELLS[name], w, x, s_0)
    ours = double_sum(CELLS[name], w, values, dy)

    x_t = torch.from_numpy(x).requires_grad_()
    parts = [torch.from_numpy(p.copy()).unsqueeze(0) for p in np.split(s_0, s_0.shape[-1] // H, -1)]
    starts = [part.requires_grad_() for part in parts]
    y, _ = layer(x_t, tuple(starts) if name == "LSTM" else starts[0])
    y.backward(torch.from_numpy(dy))
    np.testing.assert_allclose(values["y"], y.detach(), atol=1e-12)
    np.testing.assert_allclose(ours.x, np.asarray(x_t.grad), atol=1e-12)
    theirs = np.concatenate([np.asarray(s.grad)[0] for s in starts], -1)
    np.testing.assert_allclose(ours.s_0, theirs, atol=1e-12)
    for symbol, gradient in ours.weights.items():
        expected = np.asarray(layer.get_parameter(names[symbol]).grad)
        np.testing.assert_allclose(gradient, expected, atol=1e-12)


ONNX_GATES = {"RNN": ("h",), "LSTM": ("i", "o", "f", "g"), "GRU": ("z", "r", "n")}
"""the order in which ONNX keeps the blocks of rows"""


@pytest.mark.parametrize("name", CELLS)
def test_forward_is_that_of_the_onnx_operators(name: str) -> None:
    """ONNX's reference implementation; its GRU with linear_before_reset, as torch computes it."""
    reference = pytest.importorskip("onnx.reference")
    from onnx import TensorProto, helper

    cell, w, rng = CELLS[name], weights(name), np.random.default_rng(2)
    x = rng.standard_normal((T, B, I)).astype(np.float32)

    def ordered(matrix: Any) -> Any:
        blocks = dict(zip(cell.gates, np.split(matrix, len(cell.gates)), strict=True))
        return np.concatenate([blocks[gate] for gate in ONNX_GATES[name]]).astype(np.float32)

    feeds = {
        "X": x,
        "W": ordered(w["W_xh"])[None],
        "R": ordered(w["W_hh"])[None],
        "B": np.concatenate([ordered(w["b_xh"]), ordered(w["b_hh"])])[None],
    }
    options: dict[str, Any] = {"linear_before_reset": 1} if name == "GRU" else {}
    node = helper.make_node(name, list(feeds), ["Y", "Y_h"], hidden_size=H, **options)
    graph = helper.make_graph(
        [node],
        "cell",
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, v.shape) for k, v in feeds.items()],
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, None) for k in ("Y", "Y_h")],
    )
    theirs, last = reference.ReferenceEvaluator(helper.make_model(graph)).run(None, feeds)

    single = {symbol: value.astype(np.float32) for symbol, value in w.items()}
    ours = unroll(cell, single, x, np.zeros((B, cell.state_size), np.float32))["y"]
    np.testing.assert_allclose(ours, theirs[:, 0], atol=2e-6)
    np.testing.assert_allclose(ours[-1], last[0], atol=2e-6)


@pytest.mark.parametrize("name", CELLS)
def test_precision_is_that_of_the_weights(name: str) -> None:
    single = {symbol: value.astype(np.float32) for symbol, value in weights(name).items()}
    start = np.zeros((B, CELLS[name].state_size), np.float32)
    values = unroll(CELLS[name], single, np.ones((T, B, I), np.float32), start)
    assert {value.dtype for value in values.values()} == {np.dtype(np.float32)}
