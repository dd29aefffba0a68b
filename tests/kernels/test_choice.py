from __future__ import annotations

import pytest
import torch

from rnnexp.kernels import Path, available, native, obstacle, on_device
from tests.kernels.problem import path_here


@pytest.mark.parametrize(
    ("layer_norm", "recurrent_dropout", "path", "reason"),
    [
        (False, 0.0, path_here("lstm"), "standard lstm cell"),
        (True, 0.0, "equations", "layer_norm"),
        (False, 0.2, "equations", "recurrent_dropout"),
    ],
)
def test_the_path_and_its_reason(
    layer_norm: bool, recurrent_dropout: float, path: str, reason: str
) -> None:
    chosen, *_ = available("lstm", layer_norm=layer_norm, recurrent_dropout=recurrent_dropout)
    assert chosen.name == path
    assert reason in chosen.reason


COMPILED = Path("native", "standard gru cell, avx512 kernels")
PATHS = (COMPILED, Path("torch", "standard gru cell"), Path("equations", "step by step"))


@pytest.mark.parametrize(
    ("device", "precision", "name", "reason"),
    [
        ("cpu", "float32", "native", "avx512"),
        ("cpu", "bfloat16", "torch", "bfloat16"),
        ("cuda", "float32", "torch", "cuDNN"),
    ],
)
def test_the_path_on_a_device(device: str, precision: str, name: str, reason: str) -> None:
    path = on_device(PATHS, device, precision)
    assert path.name == name and reason in path.reason


def test_steps_in_python_stay_what_they_are() -> None:
    assert on_device(PATHS[2:], "cuda", "float32") == PATHS[2]


@pytest.mark.parametrize("asked", ["torch", "none", "avx1024"])
def test_the_environment_can_forbid_compiled_kernels(
    asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "ASKED", asked)
    assert native.instruction_set() is None
    paths = available("lstm", layer_norm=False, recurrent_dropout=0.0)
    assert [path.name for path in paths] == ["torch", "equations"]


@pytest.mark.skipif(not native.usable(), reason="no compiler: no compiled kernels")
def test_what_an_input_must_be_for_compiled_kernels() -> None:
    x = torch.zeros(20, 3, 2)
    assert obstacle("gru", x) is None and obstacle("gru", x.double(), None) is None
    assert "float16" in str(obstacle("gru", x.half()))
    assert "float64" in str(obstacle("gru", x, x.double()))
    assert "meta" in str(obstacle("gru", x.to("meta")))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert "autocast" in str(obstacle("gru", x))
    assert "single row" in str(obstacle("gru", x[:1, :1]))  # a step of generation
    with torch.no_grad():  # what is computed again with gradients must take the same path
        assert obstacle("gru", x[:1]) is None
