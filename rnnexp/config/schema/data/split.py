"""What several sources have in common: shares of the data, sizes, seeds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rnnexp.config.schema.section import Fraction, Section

__all__ = ["Count", "Pieces", "Seed", "Split", "Steps"]

Count = Annotated[int, Field(ge=1, le=10_000_000)]
Pieces = Annotated[int, Field(ge=257, le=1_000_000)]
Steps = Annotated[int, Field(ge=1, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


class Split(Section):
    """Shares of the data for training, validation and test; they must sum to 1."""

    train: Fraction = 0.7
    """share that the weights are fitted on"""
    val: Fraction = 0.15
    """share that ranks checkpoints and stops training"""
    test: Fraction = 0.15
    """share that is scored once, at the end"""
