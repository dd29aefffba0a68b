from __future__ import annotations

import pytest

from rnnexp.kernels import choose, native

FASTEST = "native" if native.usable() else "torch"


@pytest.mark.parametrize(
    ("layer_norm", "recurrent_dropout", "path", "reason"),
    [
        (False, 0.0, FASTEST, "standard lstm cell"),
        (True, 0.0, "equations", "layer_norm"),
        (False, 0.2, "equations", "recurrent_dropout"),
    ],
)
def test_the_path_and_its_reason(
    layer_norm: bool, recurrent_dropout: float, path: str, reason: str
) -> None:
    chosen = choose("lstm", layer_norm=layer_norm, recurrent_dropout=recurrent_dropout)
    assert chosen.name == path
    assert reason in chosen.reason
