"""Small layers as plain arrays, with weights that hold, kill or blow up the gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rnnexp.manual.hand_cells import GruCell, HiddenCell, LstmCell, RnnCell, Values
from rnnexp.manual.hand_network import Reader
from rnnexp.manual.unroll import unroll

MakeReader = Callable[..., tuple[Reader, Values]]
CELLS: dict[str, Callable[[int], HiddenCell]] = {
    "rnn": RnnCell, "relu": lambda H: RnnCell(H, "relu"), "lstm": LstmCell, "gru": GruCell,
}  # fmt: skip


@pytest.fixture
def make_reader() -> MakeReader:
    """make_reader("lstm", scale=1.3, T=40, B=3): W_hh orthogonal times `scale`, gate by gate."""

    def make(  # noqa: PLR0917
        name: str,
        scale: float = 1.0,
        T: int = 40,
        B: int = 3,
        H: int = 12,
        inputs: float = 0.5,
        normed: bool = False,
    ) -> tuple[Reader, Values]:
        rng = np.random.default_rng(1)
        cell = CELLS[name](H)
        G = len(cell.gates) * H
        blocks = [np.linalg.qr(rng.standard_normal((H, H)))[0] for _ in cell.gates]
        w: dict[str, Any] = {
            "W_xh": inputs * rng.standard_normal((G, 4)),
            "W_hh": scale * np.concatenate(blocks),
            "b_xh": 0.2 * inputs * rng.standard_normal(G),
            "b_hh": 0.2 * inputs * rng.standard_normal(G),
        }
        if normed:
            w |= {f"{part}_{at}": np.ones(G) for part in ("gain", "shift") for at in "xh"}
        x = rng.standard_normal((T, B, 4))
        return Reader(cell, w), unroll(cell, w, x, np.zeros((B, cell.state_size)))

    return make
