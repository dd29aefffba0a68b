"""The matrices that are multiplied at every time step, by themselves.

They set what the Jacobians can be, not what they are: the derivatives of the gates come between
(Pascanu, Mikolov, Bengio 2013), and a matrix that is not normal grows before it decays. So no
verdict rests on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnexp.manual.network import Reader
from rnnexp.manual.norm import Array

__all__ = ["Matrix", "matrices"]


@dataclass(frozen=True)
class Matrix:
    """One block: its symbol, the largest |eigenvalue|, and the singular values, largest first."""

    symbol: str
    spectral_radius: float
    singular_values: tuple[float, ...]


def matrices(reader: Reader) -> list[Matrix]:
    """W_hh gate by gate, or what the recurrence over the output multiplies by at each step."""
    w, cell = reader.weights, reader.cell
    if cell.recurrent == "W_oh":
        return [_matrix("W_ho W_oh", w["W_ho"] @ w["W_oh"])]
    blocks = np.split(w[cell.recurrent], len(cell.gates))
    if len(blocks) == 1:
        return [_matrix(cell.recurrent, blocks[0])]
    named = zip(cell.gates, blocks, strict=True)
    return [_matrix(f"{cell.recurrent} {gate}", block) for gate, block in named]


def _matrix(symbol: str, W: Array) -> Matrix:
    radius = float(np.abs(np.linalg.eigvals(W)).max())
    return Matrix(symbol, radius, tuple(np.linalg.svd(W, compute_uv=False).tolist()))
