"""Which path runs a layer, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Path", "available", "choose"]


@dataclass(frozen=True)
class Path:
    """`torch`: torch's own loop over time. `equations`: the cell's equations, step by step."""

    name: Literal["torch", "equations"]
    reason: str


def choose(
    cell: str,
    *,
    layer_norm: bool,
    recurrent_dropout: float,
    recurrence: str = "hidden_to_hidden",
) -> Path:
    """The fastest path that computes what the layer's settings ask for."""
    if recurrence != "hidden_to_hidden":
        return Path("equations", f"{recurrence} feeds the output back at every time step")
    if layer_norm:
        return Path("equations", "layer_norm normalises inside every time step")
    if recurrent_dropout:
        return Path("equations", "recurrent_dropout masks h inside every time step")
    return Path("torch", f"standard {cell} cell")


def available(
    cell: str,
    *,
    layer_norm: bool,
    recurrent_dropout: float,
    recurrence: str = "hidden_to_hidden",
) -> tuple[Path, ...]:
    """Every path that can run such a layer, the chosen one first."""
    chosen = choose(
        cell,
        layer_norm=layer_norm,
        recurrent_dropout=recurrent_dropout,
        recurrence=recurrence,
    )
    if chosen.name == "equations":
        return (chosen,)
    return chosen, Path("equations", "the cell's equations, step by step")
